with

{%- set arrival_seeds = {
    'plans': ['plan_id', 'rate_plan_id', 'time_band_set_id', 'valid_from', 'valid_to'],
    'usage_rates': [
        'usage_rate_id', 'rate_plan_id', 'service', 'zone_id', 'time_band_id', 'charge_code',
        'rate_amount',
        'per_units', 'connect_amount', 'initial_increment', 'additional_increment',
        'price_tier_set_id', 'currency_code',
        'tax_category', 'valid_from', 'valid_to'
    ],
    'destination_zones': ['zone_role', 'country_code', 'zone_id', 'valid_from', 'valid_to'],
    'time_bands': [
        'time_band_set_id', 'time_band_id', 'first_weekday', 'last_weekday', 'start_time',
        'end_time',
        'valid_from', 'valid_to'
    ],
    'destination_prefixes': ['prefix', 'country_code', 'valid_from', 'valid_to'],
    'mobile_networks': ['mcc_mnc', 'country_code'],
    'legal_entities': ['legal_entity_id', 'time_zone', 'home_network', 'valid_from', 'valid_to'],
    'bill_cycles': [
        'legal_entity_id', 'bill_cycle_id', 'interval_months', 'interval_weeks', 'anchor_day',
        'anchor_month'
    ]
} %}

seed_rows as (

    {% for seed_name, columns in arrival_seeds.items() %}
        select
            concat_ws('|', '{{ seed_name }}', {{ texts_of(columns) }}) as row_text
        from {{ ref(seed_name) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

hashed as (

    select md5({{ ordered_string_agg('row_text') }}) as tariff_hash
    from seed_rows

)

select * from hashed
