-- A path or tag that is no path, a path that is a value and the way to another, a container without
-- a field in it, or one tag for two record types of a format.
with

tags as (

    select
        'cdr_fields' as seed,
        csv_line,
        tag_path
    from cdr_fields
    union all
    select
        'cdr_records' as seed,
        csv_line,
        record_tag as tag_path
    from cdr_records

),

containers as (

    select
        csv_line,
        record_type,
        unnest(string_split(part_paths, ' ')) as tag_path
    from cdr_records
    where part_paths is not null

),

problems as (

    select
        seed,
        csv_line,
        format('''{}'' is no path of tags like 34.u16.1', tag_path) as message
    from tags
    where not regexp_full_match(tag_path, '[uap]?[0-9]{1,6}(\.[uap]?[0-9]{1,6})*')
    union all
    select
        'cdr_fields' as seed,
        cdr_fields.csv_line,
        format('{} is the way to {}', cdr_fields.tag_path, inner_fields.tag_path) as message
    from cdr_fields
    inner join cdr_fields as inner_fields
        on
            cdr_fields.record_type = inner_fields.record_type
            and starts_with(inner_fields.tag_path, cdr_fields.tag_path || '.')
    union all
    select
        'cdr_records' as seed,
        csv_line,
        format('no field of {} is in the container {}', record_type, tag_path) as message
    from containers
    where
        not exists (
            select 1
            from cdr_fields
            where
                containers.record_type = cdr_fields.record_type
                and starts_with(cdr_fields.tag_path, containers.tag_path || '.')
        )
    union all
    select
        'cdr_records' as seed,
        cdr_records.csv_line,
        format(
            'tag {} is also that of {}', cdr_records.record_tag, other_records.record_type
        ) as message
    from cdr_records
    inner join cdr_records as other_records
        on
            cdr_records.format = other_records.format
            and cdr_records.record_tag = other_records.record_tag
            and cdr_records.csv_line > other_records.csv_line

)

select
    seed,
    csv_line,
    message
from problems
