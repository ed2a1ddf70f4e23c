with

{%- set arrival_seeds = {
    'plans': ['plan_id', 'rate_plan_id', 'time_band_set_id', 'valid_from', 'valid_to'],
    'usage_rates': [
        'usage_rate_id', 'rate_plan_id', 'service', 'rating_group', 'zone_id', 'time_band_id',
        'price_basis', 'initial_increment', 'additional_increment', 'currency_code', 'valid_from',
        'valid_to'
    ],
    'usage_rate_steps': ['usage_rate_id', 'from_units'],
    'destination_zones': ['zone_role', 'country_code', 'zone_id', 'valid_from', 'valid_to'],
    'number_zones': [
        'direction', 'calling_prefix', 'called_prefix', 'is_whole_number', 'serving_network',
        'zone_id', 'country_code', 'valid_from', 'valid_to'
    ],
    'network_zones': ['zone_role', 'mcc_mnc', 'zone_id', 'valid_from', 'valid_to'],
    'zones': ['zone_id', 'is_home_like'],
    'time_band_sets': ['time_band_set_id', 'time_zone_basis', 'crossing'],
    'time_bands': [
        'time_band_set_id', 'time_band_id', 'priority', 'weekdays', 'months', 'month_days',
        'years', 'holiday_calendar_id', 'start_time', 'end_time', 'end_inclusive', 'valid_from',
        'valid_to'
    ],
    'holidays': ['holiday_calendar_id', 'holiday_date'],
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
