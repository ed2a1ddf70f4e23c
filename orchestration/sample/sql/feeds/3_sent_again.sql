-- Records that a feed sends once more, and once more with another length, in a file of later days.
create table resent as
with candidates as (
    select
        *,
        row_number() over (
            partition by feed, day(delivery_date)
            order by hash(getvariable('seed'), 'resent', session_number), session_number
        ) as place,
    from routed
    where
        list_contains(getvariable('resending'), feed)
        and month(record_date) = month(delivery_date)
)

select
    'sent_again' as fault,
    routed.* replace (routed.delivery_date + 2 as delivery_date),
from routed
join candidates
    on
        routed.feed = candidates.feed
        and routed.session_number = candidates.session_number
        and routed.delivery_date = candidates.delivery_date
where candidates.place = 1 and day(candidates.delivery_date) = 5
union all
select
    'changed' as fault,
    routed.* replace (
        routed.delivery_date + 3 as delivery_date,
        routed.duration_seconds + 60 as duration_seconds
    ),
from routed
join candidates
    using (feed, event_number, delivery_date)
where
    routed.service = 'voice'
    and routed.duration_seconds > 0
    and day(routed.delivery_date) = 6
qualify row_number() over (partition by routed.feed order by candidates.place) = 1;

insert into routed by name
select * exclude (fault) replace (fault as kind) from resent;
