"""The benchmark's job by hand in DuckDB: three statements, narrow rows, no keys of text.

The floor of what SQL on this engine costs for this job and no other: nothing in it can be
effective-dated, explained, suspended with a reason or frozen.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.bench.rivals.measured import run_job
from orchestration.bench.totals import Totals

THREADS = 2
TABLES = ("subscribers", "prefixes", "networks", "plans", "rates", "overages", "regions")

# Copies are found by id; a dialled number is resolved once per beginning.
COPIED = """
    create temp table copied as
    select event_id from usage group by event_id having count(*) > 1
"""
BEGINNINGS = """
    create temp table beginnings as
    select
        numbers.beginning,
        arg_max(prefixes.zone, lengths.length) as zone,
        arg_max(prefixes.first_seconds, lengths.length) as first_seconds,
        arg_max(prefixes.further_seconds, lengths.length) as further_seconds
    from (select distinct left(dialled, 7) as beginning from usage) as numbers
    cross join range(1, 8) as lengths (length)
    inner join prefixes
        on
            prefixes.digits = left(numbers.beginning, lengths.length)
            and length(numbers.beginning) >= lengths.length
    group by numbers.beginning
"""
# Of the blocks beyond the plan's, those between two bounds.
BETWEEN = """
    greatest(
        least(units_before + units - included, {up_to})
        - greatest(units_before - included, {above}),
        0
    )
"""
RATED = f"""
    with

    events as (

        select * from usage where event_id not in (select event_id from copied)
        union all
        select * from usage
        where event_id in (select event_id from copied)
        qualify row_number() over (partition by event_id order by place) = 1

    ),

    placed as (

        select
            events.event_id,
            events.msisdn,
            events.started_at,
            events.service,
            events.mcc_mnc <> 26201 as is_roaming,
            subscribers.plan,
            case events.service
                when 'voice' then plans.voice
                when 'sms' then plans.sms
                else plans.data
            end as included,
            case
                when events.mcc_mnc <> 26201 then networks.zone
                when events.service = 'data' then 0
                else beginnings.zone
            end as zone,
            case
                when events.mcc_mnc <> 26201 then networks.is_like_home
                when events.service = 'data' then true
                else beginnings.zone < 2
            end as is_covered,
            case events.service
                when 'sms' then 1
                when 'data' then (events.volume_bytes + 10239) // 10240
                when 'voice'
                    then case
                        when events.duration_seconds = 0 then 0
                        when events.mcc_mnc <> 26201
                            then networks.first_seconds
                                + (greatest(events.duration_seconds - networks.first_seconds, 0)
                                    + networks.further_seconds - 1) // networks.further_seconds
                                * networks.further_seconds
                        else
                            beginnings.first_seconds
                            + (greatest(events.duration_seconds - beginnings.first_seconds, 0)
                                + beginnings.further_seconds - 1) // beginnings.further_seconds
                            * beginnings.further_seconds
                    end
            end as units,
            case
                when isodow(events.started_at) >= 6 then 2
                when hour(events.started_at) >= 8 and hour(events.started_at) < 20 then 0
                else 1
            end as band,
            cast(events.started_at >= timestamp '2026-10-16' as integer) as version,
            subscribers.plan is null
            or (case when events.mcc_mnc <> 26201 then networks.zone is null
                else events.service <> 'data' and beginnings.zone is null end) as is_suspended
        from events
        left join subscribers on events.msisdn = subscribers.msisdn
        left join plans on subscribers.plan = plans.plan
        left join networks on events.mcc_mnc = networks.mcc_mnc
        left join beginnings on left(events.dialled, 7) = beginnings.beginning

    ),

    counted as (

        select
            *,
            sum(units) over (
                partition by msisdn, service
                order by started_at, event_id
                rows unbounded preceding
            ) - units as units_before
        from placed
        where is_covered and not is_suspended
        union all
        select
            *,
            0 as units_before
        from placed
        where not coalesce(is_covered, false) or is_suspended

    ),

    freed as (

        select
            *,
            case
                when is_covered and not is_suspended
                    then greatest(least(units, included - units_before), 0)
                else 0
            end as free_units
        from counted

    )

    select
        freed.event_id,
        freed.msisdn,
        freed.started_at,
        freed.service,
        freed.is_roaming,
        freed.zone,
        freed.band,
        cast(freed.units as integer) as units,
        cast(freed.free_units as integer) as free_units,
        freed.is_suspended,
        cast(
            case
                when freed.is_suspended or freed.units = 0 then 0
                when freed.is_covered and freed.service = 'data'
                    then
                        {BETWEEN.format(above=0, up_to=100_000)} * overages.first_amount
                        + {BETWEEN.format(above=100_000, up_to=500_000)} * overages.second_amount
                        + {BETWEEN.format(above=500_000, up_to=999_999_999)}
                        * overages.third_amount
                else
                    (freed.units - freed.free_units) * rates.unit_amount
                    + case when freed.free_units = 0 then rates.connect_amount else 0 end
            end as decimal(18, 6)
        ) as rated_amount,
        case
            when freed.is_roaming then 'roaming ' || freed.service
            when freed.service = 'voice'
                then case when freed.zone < 2 then 'national' else 'international' end
            else freed.service
        end as line
    from freed
    left join rates
        on
            freed.plan = rates.plan
            and freed.service = rates.service
            and freed.is_roaming = rates.is_roaming
            and freed.zone = rates.zone
            and freed.band = rates.band
            and freed.version = rates.version
    left join overages on freed.plan = overages.plan and freed.version = overages.version
"""
LINES = """
    select
        msisdn,
        line,
        count(*) as events,
        sum(units) as units,
        sum(free_units) as free_units,
        round(sum(rated_amount), 2) as net_amount
    from rated
    where not is_suspended
    group by msisdn, line
"""
# Halves of cents go up; days and basis points are whole, so that no division is inexact.
INVOICES = """
    with

    usage_of as (select msisdn, sum(net_amount) as amount from lines group by msisdn),

    charged as (

        select
            subscribers.msisdn,
            subscribers.region,
            subscribers.promotion_basis_points,
            coalesce(usage_of.amount, 0) as usage_amount,
            cast(
                (
                    cast(plans.fee_amount * 100 as bigint) * 2 * greatest(
                        datediff(
                            'day', greatest(active_from, date '2026-10-01'),
                            least(active_to, date '2026-11-01')
                        ),
                        0
                    ) + 31
                ) // 62 as decimal(18, 0)
            ) * 0.01 as fee_amount
        from subscribers
        inner join plans on subscribers.plan = plans.plan
        left join usage_of on subscribers.msisdn = usage_of.msisdn

    ),

    netted as (

        select
            msisdn,
            region,
            fee_amount - round(fee_amount * (promotion_basis_points * 0.0001), 2) + usage_amount
            - round(
                usage_amount * case
                    when usage_amount >= 50 then 0.10
                    when usage_amount >= 20 then 0.05
                    else 0
                end,
                2
            ) as net_amount
        from charged

    ),

    taxed as (

        select
            netted.msisdn,
            netted.net_amount,
            regions.second_rate,
            round(netted.net_amount * regions.first_rate, 2) as first_tax_amount
        from netted
        inner join regions on netted.region = regions.region

    )

    select
        msisdn,
        net_amount,
        first_tax_amount,
        round((net_amount + first_tax_amount) * second_rate, 2) as second_tax_amount
    from taxed
"""
TOTALS = """
    select
        rated.events,
        rated.suspended,
        rated.free_units,
        rated.rated_amount,
        invoices.invoices,
        invoices.net_amount,
        invoices.first_tax_amount,
        invoices.second_tax_amount,
        invoices.net_amount + invoices.first_tax_amount + invoices.second_tax_amount
            as total_amount,
        invoices.checksum
    from (
        select
            count(*) as events,
            count(*) filter (is_suspended) as suspended,
            cast(sum(free_units) as bigint) as free_units,
            sum(rated_amount) as rated_amount
        from rated
    ) as rated,
    (
        select
            count(*) as invoices,
            sum(net_amount) as net_amount,
            sum(first_tax_amount) as first_tax_amount,
            sum(second_tax_amount) as second_tax_amount,
            cast(
                sum(
                    cast((net_amount + first_tax_amount + second_tax_amount) * 100 as bigint)
                    * (msisdn % 1009)
                ) % 1000000007 as bigint
            ) as checksum
        from invoices
    ) as invoices
"""


def rate(tables: Path, results: Path) -> Totals:
    """Rate the tables; write rated events, lines and invoices as Parquet."""
    with duckdb.connect(
        config={"threads": THREADS, "preserve_insertion_order": "false"}
    ) as connection:
        connection.execute(f"create view usage as from '{tables}/usage.parquet'")
        for name in TABLES:
            connection.execute(f"create table {name} as from '{tables}/{name}.parquet'")
        connection.execute(COPIED)
        connection.execute(BEGINNINGS)
        for name, query in (("rated", RATED), ("lines", LINES), ("invoices", INVOICES)):
            target = results / f"{name}.parquet"
            connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)")
            connection.execute(f"create view {name} as from '{target}'")
        row = connection.execute(TOTALS).fetchone()
    if row is None:
        raise RuntimeError("no totals")
    return Totals(*row)


if __name__ == "__main__":
    run_job(rate)
