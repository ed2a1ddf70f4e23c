"""Law 4: every record has one fate. Figures are taken from the warehouse built from scratch."""

from __future__ import annotations

from decimal import Decimal

from orchestration.collect.inbox import one_line
from orchestration.verify.evidence import Evidence
from orchestration.verify.law_check import Finding, checks

STATUSES = ("billed", "held", "unbilled")


@checks("law 4", "all control totals balance")
def control_totals_balance(evidence: Evidence) -> Finding:
    """Read the report of control totals, which carries both sides of each."""
    totals = evidence.rows(
        """
        select control_id, unit, expected_quantity, accounted_quantity, is_balanced
        from warehouse.marts.rpt_control_totals
        where control_step <> 'complete'
        order by control_id
        """
    )
    problems = [
        f"{control_id}: expected {expected:,}, accounted {accounted:,}"
        if expected is not None and accounted is not None
        else f"{control_id}: one side is empty"
        for control_id, _, expected, accounted, is_balanced in totals
        if not is_balanced
    ]
    if not totals:
        problems.append("there are no control totals")
    units = sorted({unit for _, unit, *_ in totals})
    # What never came has no fate: the policy of completeness says what it does, no law.
    (expected, missing) = evidence.row(
        """
        select
            coalesce(sum(expected_quantity), 0)::bigint,
            coalesce(-sum(difference_quantity), 0)::bigint
        from warehouse.marts.rpt_control_totals where control_step = 'complete'
        """
    )
    files = f"; {missing:,} of {expected:,} usage files are missing" if expected else ""
    return Finding(f"{len(totals)} totals in {', '.join(units)}{files}", problems)


@checks("law 4", "per file: read = accepted + duplicate + filtered + rejected")
def files_have_fates(evidence: Evidence) -> Finding:
    """Check every collected file on its own."""
    files = "warehouse.marts.fct_usage_files"
    read, accepted, duplicate, filtered, rejected = evidence.row(
        f"""
        select
            coalesce(sum(records_read_count), 0),
            coalesce(sum(records_accepted_count), 0),
            coalesce(sum(records_duplicate_count), 0),
            coalesce(sum(records_filtered_count), 0),
            coalesce(sum(records_rejected_count), 0)
        from {files} where file_status = 'accepted'
        """
    )
    broken = evidence.rows(
        f"""
        select
            entity, file_name, records_read_count, records_accepted_count,
            records_duplicate_count, records_filtered_count, records_rejected_count
        from {files}
        where
            records_read_count
            <> records_accepted_count + records_duplicate_count + records_filtered_count
            + records_rejected_count
            or least(
                records_accepted_count, records_duplicate_count, records_filtered_count,
                records_rejected_count
            ) < 0
        order by landing_sequence
        """
    )
    return Finding(
        f"{read:,} read = {accepted:,} accepted + {duplicate:,} duplicate + {filtered:,} filtered"
        f" + {rejected:,} rejected",
        [
            f"{entity}/{one_line(name)}: {a:,} read, {b:,} accepted, {c:,} duplicate, "
            f"{d:,} filtered, {e:,} rejected"
            for entity, name, a, b, c, d, e in broken
        ],
    )


@checks("law 4", "per file: what was decoded is in landing, in records, seconds and bytes")
def files_add_up(evidence: Evidence) -> Finding:
    """Add landing's usage up and compare it with what the manifest said when it was decoded."""
    compared = """
        with landed as (
            select
                file_id,
                count(*) as records,
                count(distinct record_number) as numbers,
                sum(duration_seconds) as seconds,
                sum(volume_bytes) as bytes
            from landing.usage
            group by file_id
        )
        select
            manifest.file_name,
            coalesce(landed.records, 0) as records,
            coalesce(landed.numbers, 0) as numbers,
            coalesce(landed.seconds, 0) as seconds,
            coalesce(landed.bytes, 0) as bytes,
            manifest.rows_landed,
            manifest.duration_seconds,
            manifest.volume_bytes
        from landing.manifest as manifest
        left join landed on manifest.file_id = landed.file_id
        where manifest.status = 'accepted' and manifest.entity = 'usage'
    """
    records, seconds, volume = evidence.row(
        f"select coalesce(sum(records), 0), coalesce(sum(seconds), 0), coalesce(sum(bytes), 0) "
        f"from ({compared})"
    )
    broken = evidence.rows(
        f"""
        select file_name, records, seconds, bytes, rows_landed, duration_seconds, volume_bytes
        from ({compared})
        where
            records <> rows_landed
            or numbers <> records
            or seconds <> duration_seconds
            or bytes <> volume_bytes
        order by all
        """
    )
    return Finding(
        f"{records:,} records, {seconds:,} seconds, {volume:,} bytes",
        [
            f"{one_line(name)}: {found:,} records, {a:,} s, {b:,} bytes in landing; "
            f"{said:,} records, {c:,} s, {d:,} bytes decoded"
            for name, found, a, b, said, c, d in broken
        ],
    )


@checks("law 4", "per file of a usage source: each record read has one fate, by its number")
def native_records_have_fates(evidence: Evidence) -> Finding:
    """Follow each record of a native file to usage, its filter or its reject (D-141).

    Where records and rows of usage are not the same, the links say which rows a record made: they
    name each accepted record, and each row that landed.
    """
    compared = """
        with files as (
            select file_id, file_name, records_read, records_accepted, rows_landed
            from landing.manifest
            where status = 'accepted' and mapping_hash is not null
        ),
        linked as (select distinct file_id from landing.usage_links),
        fates as (
            select distinct file_id, record_number, 'accepted' as fate from landing.usage_links
            union all
            select usage.file_id, usage.record_number, 'accepted'
            from landing.usage as usage
            semi join files on usage.file_id = files.file_id
            anti join linked on usage.file_id = linked.file_id
            union all
            select file_id, record_number, 'filtered' from landing.filtered
            union all
            select file_id, record_number, 'rejected' from landing.rejects
        ),
        counted as (
            select
                file_id,
                count(*) as fates,
                count(distinct record_number) as records,
                count(*) filter (fate = 'accepted') as accepted
            from fates
            group by file_id
        ),
        made as (
            select links.file_id, count(distinct links.usage_record_number) as usage_rows
            from landing.usage_links as links
            inner join landing.usage as usage
                on links.file_id = usage.file_id
                and links.usage_record_number = usage.record_number
            group by links.file_id
        )
        select
            files.*,
            coalesce(counted.fates, 0) as fates,
            coalesce(counted.records, 0) as records,
            coalesce(counted.accepted, 0) as accepted,
            coalesce(made.usage_rows, counted.accepted, 0) as usage_rows
        from files
        left join counted on files.file_id = counted.file_id
        left join made on files.file_id = made.file_id
    """
    files, read, rows = evidence.row(
        f"select count(*), coalesce(sum(records_read), 0), coalesce(sum(rows_landed), 0)"
        f" from ({compared})"
    )
    broken = evidence.rows(
        f"""
        select file_name, records_read, fates, records, usage_rows, rows_landed
        from ({compared})
        where
            fates <> records_read or records <> records_read
            or accepted <> records_accepted or usage_rows <> rows_landed
        order by all
        """
    )
    return Finding(
        f"{files:,} files, {read:,} records read, {rows:,} rows of usage",
        [
            f"{one_line(name)}: {read:,} read, {fates:,} fates of {records:,} records;"
            f" {made:,} rows of usage linked, {landed:,} landed"
            for name, read, fates, records, made, landed in broken
        ],
    )


@checks("law 4", "every accepted usage record is rated, suspended or a duplicate, once")
def records_have_one_fate(evidence: Evidence) -> Finding:
    """Follow each record by file and number to where it ended."""
    lost, doubled = evidence.row(
        """
        with fates as (
            select file_id, record_number from warehouse.marts.fct_rated_usage
            union all
            select file_id, record_number from warehouse.marts.fct_suspended_usage
            union all
            select file_id, record_number from warehouse.intermediate.int_usage__duplicates
        ),
        landed as (
            select usage.file_id, usage.record_number
            from landing.usage as usage
            inner join (
                select distinct file_id from landing.manifest
                where status = 'accepted' and entity = 'usage'
            ) as files on usage.file_id = files.file_id
        ),
        counted as (
            select file_id, record_number, sum(landed) as landed, sum(fates) as fates
            from (
                select file_id, record_number, 1 as landed, 0 as fates from landed
                union all
                select file_id, record_number, 0, 1 from fates
            )
            group by file_id, record_number
        )
        select
            coalesce(sum(case when fates < landed then landed - fates else 0 end), 0),
            coalesce(sum(case when fates > landed then fates - landed else 0 end), 0)
        from counted
        """
    )
    rated, suspended, duplicates = evidence.row(
        """
        select
            (select count(*) from warehouse.marts.fct_rated_usage),
            (select count(*) from warehouse.marts.fct_suspended_usage),
            (select count(*) from warehouse.intermediate.int_usage__duplicates)
        """
    )
    problems = [f"{lost:,} records have no fate"] if lost else []
    problems += [f"{doubled:,} fates have no record of their own"] if doubled else []
    return Finding(f"{rated:,} rated, {suspended:,} suspended, {duplicates:,} duplicates", problems)


@checks("law 4", "rated = billed + held + unbilled, and billed is what was frozen")
def rated_is_billed_or_waits(evidence: Evidence) -> Finding:
    """Add rated usage up by status and currency."""
    sums = evidence.rows(
        """
        select usage_status, currency_code, count(*), sum(rated_amount)
        from warehouse.marts.fct_rated_usage
        group by usage_status, currency_code
        order by currency_code, usage_status
        """
    )
    problems = [
        f"{count:,} events are {status}" for status, _, count, _ in sums if status not in STATUSES
    ]
    frozen: dict[str, Decimal] = dict(
        evidence.rows(
            "select currency_code, sum(rated_amount) from frozen.billed_usage group by all"
        )
    )
    billed = {currency: amount for status, currency, _, amount in sums if status == "billed"}
    for currency in sorted({*frozen, *billed}):
        if billed.get(currency, 0) != frozen.get(currency, 0):
            problems.append(
                f"billed {billed.get(currency, 0):,} {currency}, frozen {frozen.get(currency, 0):,}"
            )
    told = [f"{status} {amount:,} {currency}" for status, currency, _, amount in sums]
    return Finding("; ".join(told) or "nothing rated", problems)


CHECKS = (
    control_totals_balance,
    files_have_fates,
    files_add_up,
    native_records_have_fates,
    records_have_one_fate,
    rated_is_billed_or_waits,
)
