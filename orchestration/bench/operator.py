"""The benchmark's workload as an operator of this house: seeds, and files for the inbox.

A zone of the workload and an increment class together are a zone here, since increments hang on the
dialled operator or visited network. A fee is an option with the dates of its subscriber, so that
usage before or after them is rated as the benchmark has it. A region is a place that levies two
taxes, the second on the price with the first; discounts are computed on rounded lines.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import yaml

from orchestration.bench.workload import (
    BLOCK_BYTES,
    DATA,
    HOME_NETWORK,
    INCREMENTS,
    MONTH_START,
    PRICE_CHANGE,
    REGION_TAXES,
    SERVICE_NAMES,
    SMS,
    VOICE,
    Tariff,
)
from orchestration.collect.kinds import quote

ENTITY, CYCLE = "bench", "monthly_1"
BANDS = {0: "peak", 1: "off_peak", 2: "weekend"}
VERSIONS = {0: (MONTH_START, PRICE_CHANGE), 1: (PRICE_CHANGE, None)}
PROMOTIONS = (1000, 1500, 2550)
# Bounds of the tiers beyond the included blocks, in blocks.
TIER_BOUNDS = (100_000, 500_000, None)
VOLUME_DISCOUNTS = ((20, 5), (50, 10))
TAX_CATEGORY, TAX_TYPES = "S", ("vat", "surcharge")

Rows = list[dict[str, object]]


def home_zone(zone: int, increment: int) -> str:
    """Return the zone of a dialled number."""
    return f"home_{zone}_{increment}"


def visited_zone(zone: int, increment: int) -> str:
    """Return the zone of a visited network."""
    return f"visited_{zone}_{increment}"


def write_seeds(project_seeds: Path, target: Path, tariff: Tariff) -> None:
    """Write the operator's seeds: the project's reference tables, tariff and policy of its own.

    Raises `KeyError` when a row has a column that its seed does not declare.
    """
    shutil.copytree(project_seeds, target)
    rows = {**_policy_rows(), **_tax_rows(), **_tariff_rows(tariff)}
    for properties in target.rglob("_*.yml"):
        for seed in yaml.safe_load(properties.read_text(encoding="utf-8"))["seeds"]:
            is_own = properties.parent.name != "reference" or seed["name"] in rows
            if is_own and seed["name"] != "review_rules":
                path = properties.parent / f"{seed['name']}.csv"
                _write(path, seed["config"]["column_types"], rows.pop(seed["name"], []))
    if rows:
        raise KeyError(f"no seed is called {', '.join(rows)}")


def _write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    names = list(columns)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            filled = {**row, "valid_from": row.get("valid_from", MONTH_START)}
            if "valid_from" not in names:
                del filled["valid_from"]
            unknown = set(filled) - set(names)
            if unknown:
                raise KeyError(f"{path.name} has no column {', '.join(sorted(unknown))}")
            writer.writerow(["" if filled.get(name) is None else filled[name] for name in names])


def _policy_rows() -> dict[str, Rows]:
    return {
        "legal_entities": [
            {
                "legal_entity_id": ENTITY,
                "legal_name": "Benchmark",
                "street": "Street 1",
                "postal_code": "1",
                "city": "City",
                "country_code": "DE",
                "vat_number": "DE123456788",
                "register_entry": "0",
                "email": "bench@example.org",
                "iban": "DE02120300000000202051",
                "bic": "BYLADEM1001",
                "bank_name": "Bank",
                "currency_code": "EUR",
                "time_zone": "Etc/UTC",
                "tax_jurisdiction": "R0",
                "home_network": HOME_NETWORK,
                "document_prefix": "B",
            }
        ],
        "billing_policy": [
            {
                "legal_entity_id": ENTITY,
                "go_live_date": MONTH_START,
                "payment_term_days": 14,
                "delivery_days": 2,
                "grace_days": 0,
                "approval": "automatic",
                "approval_threshold_amount": 0,
                "final_bill": "with_cycle",
                "late_usage": "residual",
                "tax_rounding": "sum",
            }
        ],
        "bill_cycles": [
            {
                "legal_entity_id": ENTITY,
                "bill_cycle_id": CYCLE,
                "description": "Monthly on the 1st",
                "interval_months": 1,
                "anchor_day": 1,
            }
        ],
    }


def _tax_rows() -> dict[str, Rows]:
    regions = [f"R{number}" for number in range(len(REGION_TAXES))]
    return {
        "tax_jurisdictions": [
            {"tax_jurisdiction": place, "country_code": "DE", "description": place}
            for place in regions
        ],
        "tax_rates": [
            {
                "tax_rate_id": f"{region}-{tax_type}",
                "jurisdiction": region,
                "tax_type": tax_type,
                "tax_category": TAX_CATEGORY,
                "einvoice_category": TAX_CATEGORY,
                "rate": Decimal(basis_points).scaleb(-4),
                "compound_order": order,
            }
            for region, taxes in zip(regions, REGION_TAXES, strict=True)
            for order, (tax_type, basis_points) in enumerate(zip(TAX_TYPES, taxes, strict=True))
        ],
    }


def _tariff_rows(tariff: Tariff) -> dict[str, Rows]:
    return {
        "charge_codes": _charge_codes(),
        "zones": _zones(tariff),
        "destination_zones": [
            {"zone_role": "called", "country_code": "DE", "zone_id": home_zone(0, 0)}
        ],
        "number_zones": [
            {
                "number_zone_id": f"P-{one.digits}",
                "direction": "outgoing",
                "called_prefix": one.digits,
                "is_whole_number": "false",
                "serving_network": "*",
                "zone_id": home_zone(one.zone, one.increment),
            }
            for one in tariff.prefixes
        ],
        "mobile_networks": [
            {
                "mcc_mnc": mcc_mnc,
                "mcc": mcc_mnc // 100,
                "mnc": f"{mcc_mnc % 100:02d}",
                "country_code": "DE" if mcc_mnc == HOME_NETWORK else "GR",
                "operator_name": f"Network {mcc_mnc}",
            }
            for mcc_mnc in (HOME_NETWORK, *(one.mcc_mnc for one in tariff.networks))
        ],
        "network_zones": [
            {
                "zone_role": "visited",
                "mcc_mnc": one.mcc_mnc,
                "zone_id": visited_zone(one.zone, one.increment),
            }
            for one in tariff.networks
        ],
        "time_band_sets": [
            {
                "time_band_set_id": "bench",
                "description": "By the start of the event",
                "time_zone_basis": "home",
                "crossing": "by_start",
            }
        ],
        "time_bands": [
            {
                "time_band_set_id": "bench",
                "time_band_id": band,
                "priority": 10,
                "weekdays": weekdays,
                "months": "*",
                "month_days": "*",
                "years": "*",
                "start_time": start,
                "end_time": end,
                "end_inclusive": "false",
            }
            for band, weekdays, start, end in (
                (BANDS[2], "6 7", "00:00", "24:00"),
                (BANDS[1], "1 2 3 4 5", "00:00", "08:00"),
                (BANDS[0], "1 2 3 4 5", "08:00", "20:00"),
                (BANDS[1], "1 2 3 4 5", "20:00", "24:00"),
            )
        ],
        "usage_rates": [*_unit_rates(tariff), *_tiered_rates(tariff)],
        **_tiers(tariff),
        **_allowances(tariff),
        **_plans(tariff),
    }


def _charge_codes() -> Rows:
    codes = [("fee", "recurring", "months"), ("discount", "discount", "units")]
    codes += [(code, "usage", "units") for code in ("national", "international", "sms", "data")]
    codes += [(f"roaming_{service}", "usage", "units") for service in SERVICE_NAMES.values()]
    codes += [(code, "one_off", "units") for code in ("one_off", "deposit")]
    return [
        {
            "charge_code": code,
            "charge_type": charge_type,
            "label_en": code,
            "label_de": code,
            "unit": unit,
            "display_order": order,
        }
        for order, (code, charge_type, unit) in enumerate(codes, 1)
    ]


def _zones(tariff: Tariff) -> Rows:
    home = {home_zone(one.zone, one.increment) for one in tariff.prefixes} | {home_zone(0, 0)}
    visited = {visited_zone(one.zone, one.increment) for one in tariff.networks}
    return [
        {
            "zone_id": zone,
            "zone_type": zone_type,
            "is_home_like": "false",
            "label_en": zone,
            "label_de": zone,
        }
        for zone_type, zones in (("national", home), ("roaming", visited))
        for zone in sorted(zones)
    ]


def _unit_rates(tariff: Tariff) -> Rows:
    classes = {(False, one.zone, one.increment) for one in tariff.prefixes}
    classes |= {(True, one.zone, one.increment) for one in tariff.networks}
    rows = []
    for rate in tariff.rates:
        service = SERVICE_NAMES[rate.service]
        if rate.is_roaming:
            code = f"roaming_{service}"
        elif rate.service == VOICE:
            code = "national" if rate.zone < 2 else "international"
        else:
            code = service
        for increment, (first, then) in enumerate(INCREMENTS):
            is_covered_data = rate.service == DATA and rate.zone < 10
            if (rate.is_roaming, rate.zone, increment) not in classes or is_covered_data:
                continue
            named = visited_zone if rate.is_roaming else home_zone
            rows.append(
                {
                    **_rate(rate.plan, service, named(rate.zone, increment), rate.version),
                    "usage_rate_id": (
                        f"{service}-{rate.plan}-{named(rate.zone, increment)}"
                        f"-{BANDS[rate.band]}-{rate.version}"
                    ),
                    "time_band_id": BANDS[rate.band],
                    "charge_code": code,
                    "rate_amount": Decimal(rate.unit_millionths).scaleb(-6),
                    "per_units": BLOCK_BYTES if rate.service == DATA else 1,
                    "connect_amount": Decimal(rate.connect_millionths).scaleb(-6),
                    "connect_when": "nothing_free",
                    "initial_increment": _increment(rate.service, first),
                    "additional_increment": _increment(rate.service, then),
                }
            )
    return rows


def _increment(service: int, seconds: int) -> int:
    return {VOICE: seconds, SMS: 1, DATA: BLOCK_BYTES}[service]


def _rate(plan: int, service: str, zone_id: str, version: int) -> dict[str, object]:
    valid_from, valid_to = VERSIONS[version]
    return {
        "rate_plan_id": f"plan_{plan}",
        "service": service,
        "rating_group": "*",
        "zone_id": zone_id,
        "price_basis": "units",
        "span_increments": "run_on",
        "currency_code": "EUR",
        "tax_category": TAX_CATEGORY,
        "valid_from": valid_from,
        "valid_to": valid_to,
    }


def _covered_data_zones(tariff: Tariff) -> list[str]:
    like_home = {
        visited_zone(one.zone, one.increment) for one in tariff.networks if one.is_like_home
    }
    return [home_zone(0, 0), *sorted(like_home)]


def _tiered_rates(tariff: Tariff) -> Rows:
    """Data that draws on the plan's: what it takes beyond is priced by tiers, together."""
    return [
        {
            **_rate(plan.plan, "data", zone_id, version),
            "usage_rate_id": f"data-{plan.plan}-{zone_id}-{version}",
            "time_band_id": "*",
            "charge_code": "data" if zone_id == home_zone(0, 0) else "roaming_data",
            "rate_amount": 0,
            "per_units": BLOCK_BYTES,
            "connect_amount": 0,
            "initial_increment": BLOCK_BYTES,
            "additional_increment": BLOCK_BYTES,
            "price_tier_set_id": f"data_{plan.plan}",
        }
        for plan in tariff.plans
        for version in VERSIONS
        for zone_id in _covered_data_zones(tariff)
    ]


def _tiers(tariff: Tariff) -> dict[str, Rows]:
    sets: Rows = [
        {
            "price_tier_set_id": f"data_{plan.plan}",
            "description": "Data beyond the plan's",
            "pricing_model": "graduated",
            "zero_usage": "not_due",
            "pass_increment": 1,
        }
        for plan in tariff.plans
    ]
    tiers: Rows = []
    for overage in tariff.overages:
        valid_from, valid_to = VERSIONS[overage.version]
        for number, (bound, price) in enumerate(
            zip(TIER_BOUNDS, overage.block_millionths, strict=True), 1
        ):
            tiers.append(
                {
                    "price_tier_id": f"data_{overage.plan}-{overage.version}-{number}",
                    "price_tier_set_id": f"data_{overage.plan}",
                    "up_to": None if bound is None else bound * BLOCK_BYTES,
                    "rate_amount": Decimal(price).scaleb(-6),
                    "per_units": BLOCK_BYTES,
                    "flat_amount": 0,
                    "block_size": 1,
                    "valid_from": valid_from,
                    "valid_to": valid_to,
                }
            )
    return {"price_tier_sets": sets, "price_tiers": tiers}


def _allowances(tariff: Tariff) -> dict[str, Rows]:
    national = {home_zone(one.zone, one.increment) for one in tariff.prefixes if one.zone < 2}
    like_home = {
        visited_zone(one.zone, one.increment) for one in tariff.networks if one.is_like_home
    }
    zones = {VOICE: national | like_home, SMS: national | like_home}
    scopes: Rows = [
        {
            "allowance_scope_id": SERVICE_NAMES[service],
            "service": SERVICE_NAMES[service],
            "rating_group": "*",
            "zone_id": zone_id,
            "time_band_id": "*",
        }
        for service in SERVICE_NAMES
        for zone_id in sorted(zones.get(service, set(_covered_data_zones(tariff))))
    ]
    units = {VOICE: ("seconds", 1), SMS: ("events", 1), DATA: ("bytes", BLOCK_BYTES)}
    allowances: Rows = [
        {
            "allowance_id": f"{SERVICE_NAMES[service]}-{plan.plan}",
            "plan_id": f"plan_{plan.plan}",
            "allowance_scope_id": SERVICE_NAMES[service],
            "description": SERVICE_NAMES[service],
            "quantity": included * units[service][1],
            "unit": units[service][0],
            "priority": 10,
            "proration": "none",
            "draw_increment": 1,
            "draw_window": "period",
            "rollover_periods": 0,
            "is_shared": "false",
        }
        for plan in tariff.plans
        for service, included in zip(SERVICE_NAMES, plan.included, strict=True)
    ]
    return {"allowance_scopes": scopes, "allowances": allowances}


def _plans(tariff: Tariff) -> dict[str, Rows]:
    """A plan for usage, and an option for the fee with each promotion on it."""
    plans: Rows = []
    charges: Rows = []
    promotions: Rows = []
    for plan in tariff.plans:
        own = f"plan_{plan.plan}"
        plans.append(
            {
                "plan_id": own,
                "plan_name": own,
                "plan_type": "plan",
                "rate_plan_id": own,
                "time_band_set_id": "bench",
                "includes_roaming": "true",
            }
        )
        charges.append(_fee(own, 0))
        for basis_points in (0, *PROMOTIONS):
            option = f"fee_{plan.plan}_{basis_points}"
            plans.append(
                {
                    "plan_id": option,
                    "plan_name": option,
                    "plan_type": "option",
                    "includes_roaming": "false",
                }
            )
            charges.append(_fee(option, plan.fee_cents))
            if basis_points:
                share = Decimal(basis_points) / 100
                promotions.append(_promotion(option, "recurring", share, 0))
        for least, percent in VOLUME_DISCOUNTS:
            promotions.append(_promotion(own, "usage", Decimal(percent), least))
    return {"plans": plans, "recurring_charges": charges, "promotions": promotions}


def _fee(plan_id: str, cents: int) -> dict[str, object]:
    return {
        "recurring_charge_id": f"fee-{plan_id}",
        "plan_id": plan_id,
        "charge_code": "fee",
        "amount": Decimal(cents) / 100,
        "currency_code": "EUR",
        "billing_timing": "arrears",
        "proration": "days",
        "tax_category": TAX_CATEGORY,
    }


def _promotion(plan_id: str, charge_type: str, percent: Decimal, least: int) -> dict[str, object]:
    """The highest threshold reached counts, alone."""
    return {
        "promotion_id": f"{plan_id}-{charge_type}-{percent}",
        "description_en": f"{percent} %",
        "description_de": f"{percent} %",
        "plan_id": plan_id,
        "billing_account_id": "*",
        "charge_type": charge_type,
        "charge_code": "*",
        "eligibility": "period",
        "measured_over": "subscription",
        "discount_percent": percent,
        "computed_on": "rounded_lines",
        "line_per": "subscription",
        "minimum_amount": least,
        "currency_code": "EUR",
        "duration_months": 0,
        "priority": 100 - least,
        "stacking": "exclusive",
    }


def write_inbox(connection: duckdb.DuckDBPyConnection, inbox: Path) -> None:
    """Write who is billed and what was used as CSV, from the tables that `make_usage` made."""
    for entity, query in _INBOX.items():
        folder = inbox / entity
        folder.mkdir(parents=True)
        target = quote(str(folder / "bench.csv"))
        connection.execute(f"copy ({query}) to {target} (format csv, header true)")


_INBOX = {
    "customers": """
        select 'C' || msisdn as customer_id, 'person' as customer_type, 'Case' as customer_name,
            'case@example.org' as email, 'Street 1' as street, '1' as postal_code, 'City' as city,
            'DE' as country_code, null as vat_number, '2000-01-01' as valid_from
        from subscribers""",
    "billing_accounts": """
        select 'A' || msisdn as billing_account_id, 'C' || msisdn as customer_id,
            'bench' as legal_entity_id, 'monthly_1' as bill_cycle_id, 'EUR' as currency_code,
            'Etc/UTC' as time_zone, 'en' as language, 'email' as delivery_channel,
            null as sales_region, '2000-01-01' as opened_date, null as closed_date,
            '2000-01-01' as valid_from, 'R' || region as tax_jurisdiction
        from subscribers""",
    "subscriptions": """
        select 'S' || msisdn as subscription_id, 'A' || msisdn as billing_account_id,
            '2000-01-01' as activated_date, null as terminated_date, '2000-01-01' as valid_from
        from subscribers""",
    "subscription_plans": """
        select 'S' || msisdn as subscription_id, 'plan_' || plan as plan_id,
            '2000-01-01' as valid_from, null as valid_to
        from subscribers
        union all
        select 'S' || msisdn, 'fee_' || plan || '_' || promotion_basis_points,
            cast(active_from as varchar),
            cast(case when active_to < date '9999-01-01' then active_to end as varchar)
        from subscribers
        where active_from < active_to""",
    "subscription_identifiers": """
        select 'S' || msisdn as subscription_id, 'msisdn' as identifier_type,
            msisdn as identifier, '2000-01-01T00:00:00Z' as valid_from, null as valid_to
        from subscribers""",
    "usage": """
        select event_id as record_id, service, 'outgoing' as direction, msisdn as identifier,
            dialled as other_number, strftime(started_at, '%Y-%m-%dT%H:%M:%SZ') as started_at,
            duration_seconds, volume_bytes, mcc_mnc as serving_network
        from usage""",
}
