-- Controls by counters that would judge nothing, or everything.
with

judged as (

    select
        'counter_bands' as seed,
        csv_line,
        format('counter_band_id ''{}''', counter_band_id) as subject,
        case
            when low_share > high_share then 'has a low_share above its high_share'
            when contains(left(node, -1), '*') then 'may have * in node at its end only'
        end as reason
    from counter_bands
    union all
    select
        'volume_counters' as seed,
        csv_line,
        format('counter ''{}''', counter) as subject,
        case
            when contains(left(counted_node, -1), '*')
                then 'may have * in counted_node at its end only'
            when contains(left(measured_object, -1), '*')
                then 'may have * in measured_object at its end only'
            when contains(node, '*') and node <> '*'
                then 'counts for one node, or for that of the same name (*)'
            when service not in (select counter_bands.service from counter_bands)
                then 'is held against nothing: no row of counter_bands is of its service'
        end as reason
    from volume_counters

)

select
    seed,
    csv_line,
    format('{} {}', subject, reason) as message
from judged
where reason is not null
