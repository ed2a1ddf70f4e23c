with

files as (

    select
        entity,
        cast(sum(records_read_count) as decimal(28, 6)) as read_count,
        cast(
            sum(
                records_accepted_count + records_duplicate_count
                + records_filtered_count + records_rejected_count
            )
            as decimal(28, 6)
        ) as fate_count,
        cast(sum(rows_landed_count) as decimal(28, 6)) as landed_count
    from {{ ref('fct_usage_files') }}
    where file_status = 'accepted'
    group by entity

),

duplicate_usage as (

    select cast(count(*) as decimal(28, 6)) as usage_row_count
    from {{ ref('int_usage__duplicates') }}

),

streams as (

    select
        expected_file_id,
        source_id,
        node,
        interval_minutes,
        starts,
        starts_at,
        expected_before
    from {{ ref('int_usage_streams__viewed') }}
    where view_id = 'now' and interval_minutes is not null

),

arrived_slots as (

    select
        streams.expected_file_id,
        streams.node,
        min(streamed.slot_number) as first_slot,
        count(distinct streamed.slot_number) as slot_count
    from streams
    inner join {{ ref('int_usage_files__streamed') }} as streamed
        on
            streams.expected_file_id = streamed.expected_file_id
            and streams.node = streamed.node
            and streams.expected_before > streamed.file_from
    group by streams.expected_file_id, streams.node

),

-- By the calendar's arithmetic: intervals from the first one to the one that is not due yet.
expected_files as (

    select
        streams.source_id,
        cast(
            sum(
                greatest(
                    {{ integer_divide(
                        seconds_between('streams.starts_at', 'streams.expected_before'),
                        'streams.interval_minutes * 60'
                    ) }}
                    - case
                        when streams.starts = 'first_day' then 0
                        else coalesce(arrived_slots.first_slot, 0)
                    end,
                    0
                )
            ) as decimal(28, 6)
        ) as expected_count,
        cast(sum(coalesce(arrived_slots.slot_count, 0)) as decimal(28, 6)) as arrived_count
    from streams
    left join arrived_slots
        on
            streams.expected_file_id = arrived_slots.expected_file_id
            and streams.node = arrived_slots.node
    group by streams.source_id

),

accepted_usage as (

    select
        cast(sum(landed.duration_seconds) as decimal(28, 6)) as duration_seconds,
        cast(sum(landed.volume_bytes) as decimal(28, 6)) as volume_bytes
    from {{ ref('int_usage__measured') }} as landed
    left join {{ ref('int_usage__duplicates') }} as duplicates
        on landed.file_id = duplicates.file_id and landed.record_number = duplicates.record_number
    where duplicates.file_id is null

),

usage_fates as (

    select
        cast(count(*) as decimal(28, 6)) as event_count,
        cast(sum(duration_seconds) as decimal(28, 6)) as duration_seconds,
        cast(sum(volume_bytes) as decimal(28, 6)) as volume_bytes
    from (
        select
            duration_seconds,
            volume_bytes
        from {{ ref('fct_rated_usage') }}
        union all
        select
            duration_seconds,
            volume_bytes
        from {{ ref('fct_suspended_usage') }}
    ) as fates

),

usage_statuses as (

    select
        cast(sum(rated_amount) as decimal(28, 6)) as rated_amount,
        cast(sum(case when usage_status = 'billed' then rated_amount else 0 end) as decimal(28, 6))
            as billed_amount,
        cast(
            sum(case when usage_status in ('held', 'unbilled') then rated_amount else 0 end)
            as decimal(28, 6)
        )
            as open_amount
    from {{ ref('fct_rated_usage') }}

),

issued_passes as (

    select distinct
        pass_id
    from {{ ref('stg_ledger__frozen_files') }}

),

billed as (

    select
        pass_id,
        cast(sum(segment_count) as decimal(28, 6)) as segment_count,
        cast(sum(amount) as decimal(28, 6)) as amount
    from (
        select
            pass_id,
            case when is_reversal then -1 else 1 end as segment_count,
            rated_amount as amount
        from {{ ref('stg_issued__billed_usage') }}
        union all
        -- What tiers cost without an event.
        select
            pass_id,
            0 as segment_count,
            fee_amount as amount
        from {{ ref('stg_issued__tier_counters') }}
    ) as usage_and_fees
    group by pass_id

),

billed_once as (

    select cast(count(*) as decimal(28, 6)) as segment_count
    from (
        select distinct
            event_id,
            segment_number
        from {{ ref('int_usage__billed') }}
    ) as segments

),

charges as (

    select
        pass_id,
        cast(count(*) as decimal(28, 6)) as charge_count,
        cast(sum(amount) as decimal(28, 6)) as amount,
        cast(sum(case when charge_type = 'usage' then priced_amount else 0 end) as decimal(28, 6))
            as usage_amount
    from {{ ref('stg_issued__charges') }}
    group by pass_id

),

lines as (

    select
        invoice_lines.pass_id,
        cast(count(*) as decimal(28, 6)) as line_count,
        cast(sum(invoice_lines.net_amount) as decimal(28, 6)) as net_amount,
        cast(
            sum({{ half_minor_unit('currencies.minor_units') }}) as decimal(28, 6)
        ) as rounding_amount
    from {{ ref('stg_issued__invoice_lines') }} as invoice_lines
    inner join {{ ref('currencies') }} as currencies
        on invoice_lines.currency_code = currencies.currency_code
    group by invoice_lines.pass_id

),

taxes as (

    select
        pass_id,
        cast(sum(tax_amount) as decimal(28, 6)) as tax_amount
    from {{ ref('stg_issued__invoice_taxes') }}
    group by pass_id

),

invoices as (

    select
        pass_id,
        cast(count(*) as decimal(28, 6)) as invoice_count,
        cast(sum(net_amount) as decimal(28, 6)) as net_amount,
        cast(sum(tax_amount) as decimal(28, 6)) as tax_amount,
        cast(sum(total_amount) as decimal(28, 6)) as total_amount
    from {{ ref('stg_issued__invoices') }}
    group by pass_id

),

documents as (

    select
        pass_id,
        cast(count(*) as decimal(28, 6)) as document_count,
        cast(sum(total_amount) as decimal(28, 6)) as total_amount
    from {{ ref('stg_ledger__documents') }}
    group by pass_id

),

assigned as (

    select
        pass_id,
        cast(count(distinct billing_account_id) as decimal(28, 6)) as account_count
    from {{ ref('stg_ledger__pass_accounts') }}
    group by pass_id

),

unbilled as (

    select
        pass_id,
        cast(count(*) as decimal(28, 6)) as account_count
    from {{ ref('stg_issued__unbilled_accounts') }}
    group by pass_id

),

per_pass as (

    select
        issued_passes.pass_id,
        coalesce(billed.amount, 0) as billed_amount,
        coalesce(charges.charge_count, 0) as charge_count,
        coalesce(charges.amount, 0) as charge_amount,
        coalesce(charges.usage_amount, 0) as usage_charge_amount,
        coalesce(lines.line_count, 0) as line_count,
        coalesce(lines.net_amount, 0) as line_amount,
        coalesce(lines.rounding_amount, 0) as rounding_amount,
        coalesce(taxes.tax_amount, 0) as tax_amount,
        coalesce(invoices.invoice_count, 0) as invoice_count,
        coalesce(invoices.net_amount, 0) as invoice_net_amount,
        coalesce(invoices.tax_amount, 0) as invoice_tax_amount,
        coalesce(invoices.total_amount, 0) as invoice_total_amount,
        coalesce(documents.document_count, 0) as document_count,
        coalesce(documents.total_amount, 0) as document_amount,
        coalesce(assigned.account_count, 0) as assigned_count,
        coalesce(invoices.invoice_count, 0) + coalesce(unbilled.account_count, 0) as decided_count
    from issued_passes
    left join billed on issued_passes.pass_id = billed.pass_id
    left join charges on issued_passes.pass_id = charges.pass_id
    left join lines on issued_passes.pass_id = lines.pass_id
    left join taxes on issued_passes.pass_id = taxes.pass_id
    left join invoices on issued_passes.pass_id = invoices.pass_id
    left join documents on issued_passes.pass_id = documents.pass_id
    left join assigned on issued_passes.pass_id = assigned.pass_id
    left join unbilled on issued_passes.pass_id = unbilled.pass_id

),

-- Expected and accounted are computed along different ways; a control is balanced when they meet.
controls as (

    select
        concat('read = accepted + duplicate + filtered + rejected: ', entity) as control_name,
        'collect' as control_step,
        cast(null as string) as pass_id,
        'records' as unit,
        read_count as expected_quantity,
        fate_count as accounted_quantity,
        cast(0 as decimal(28, 6)) as tolerance_quantity
    from files
    union all
    -- D-157: what does not come is no broken law; the policy of completeness says what it does.
    select
        concat('expected files = files that came: ', source_id), 'complete', null, 'files',
        expected_count, arrived_count, 0
    from expected_files
    union all
    select
        'accepted usage = rated + suspended: records', 'rating', null, 'records',
        files.landed_count - duplicate_usage.usage_row_count as expected_quantity,
        usage_fates.event_count as accounted_quantity, 0
    from files
    cross join usage_fates
    cross join duplicate_usage
    where files.entity = 'usage'
    union all
    select
        'accepted usage = rated + suspended: seconds', 'rating', null, 'seconds',
        accepted_usage.duration_seconds as expected_quantity,
        usage_fates.duration_seconds as accounted_quantity, 0
    from accepted_usage
    cross join usage_fates
    union all
    select
        'accepted usage = rated + suspended: bytes', 'rating', null, 'bytes',
        accepted_usage.volume_bytes as expected_quantity,
        usage_fates.volume_bytes as accounted_quantity, 0
    from accepted_usage
    cross join usage_fates
    union all
    select
        'rated = billed + held + unbilled', 'rating', null, 'money',
        rated_amount, billed_amount + open_amount, 0
    from usage_statuses
    union all
    select
        'billed usage: every segment once', 'issue', null, 'records',
        (select coalesce(sum(billed.segment_count), 0) from billed), segment_count, 0
    from billed_once
    union all
    select
        'billed usage = usage charges', 'calculate', pass_id, 'money', billed_amount,
        usage_charge_amount, 0
    from per_pass
    union all
    select 'charges = lines', 'calculate', pass_id, 'records', charge_count, line_count, 0
    from per_pass
    union all
    select
        'charges = lines, within half a minor unit a line', 'calculate', pass_id, 'money',
        charge_amount,
        line_amount, rounding_amount
    from per_pass
    union all
    select 'lines = net of invoices', 'issue', pass_id, 'money', line_amount, invoice_net_amount, 0
    from per_pass
    union all
    select
        'tax breakdown = tax of invoices', 'issue', pass_id, 'money', tax_amount,
        invoice_tax_amount, 0
    from per_pass
    union all
    select
        'net + tax = total', 'issue', pass_id, 'money', invoice_net_amount + invoice_tax_amount,
        invoice_total_amount, 0
    from per_pass
    union all
    select 'invoices = ledger', 'issue', pass_id, 'records', invoice_count, document_count, 0
    from per_pass
    union all
    select 'invoices = ledger', 'issue', pass_id, 'money', invoice_total_amount, document_amount, 0
    from per_pass
    union all
    select
        'accounts of the pass = invoiced + not billed with a reason', 'issue', pass_id, 'accounts',
        assigned_count, decided_count, 0
    from per_pass

)

select
    concat_ws('/', coalesce(pass_id, 'all'), control_name, unit) as control_id,
    control_step,
    control_name,
    pass_id,
    unit,
    cast(expected_quantity as decimal(28, 6)) as expected_quantity,
    cast(accounted_quantity as decimal(28, 6)) as accounted_quantity,
    cast(coalesce(accounted_quantity, 0) - coalesce(expected_quantity, 0) as decimal(28, 6))
        as difference_quantity,
    abs(coalesce(accounted_quantity, 0) - coalesce(expected_quantity, 0)) <= tolerance_quantity
        as is_balanced
from controls
