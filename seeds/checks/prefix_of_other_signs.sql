-- A prefix that no number begins with: numbers are digits, without + or spaces.
select
    'number_zones' as seed,
    csv_line,
    format('''{}'' is not a prefix of digits', listed_prefix) as message
from (
    select
        csv_line,
        unnest([calling_prefix, called_prefix]) as listed_prefix
    from number_zones
) as prefixes
where listed_prefix <> '' and not regexp_full_match(listed_prefix, '[0-9]{1,15}')
union all
select
    'number_zones' as seed,
    csv_line,
    'is_whole_number needs the whole number as called_prefix' as message
from number_zones
where
    is_whole_number
    and case direction when 'incoming' then calling_prefix else called_prefix end is null
