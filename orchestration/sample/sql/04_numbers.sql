-- Whom people call: tens of thousands of numbers, national and in real foreign numbering plans.
create table national_numbers as
select
    cast(i as integer) as number_id,
    '49'
    || ['30', '40', '69', '89', '221', '351', '431', '160', '170', '172', '176'][1 + i % 11]
    || cast(2000000 + (i * 7919 + 31) % 7000000 as varchar) as other_number,
from range(40000) as numbers (i);

create table foreign_numbers as
select
    cast(i as integer) as number_id,
    ['331', '4420', '1202', '90212', '4822', '3906', '7495', '3491', '431', '4144', '8610'][
        1 + i % 11
    ] || cast(20000000 + (i * 7919 + 17) % 60000000 as varchar)[
        1 : [8, 8, 7, 7, 7, 7, 7, 7, 7, 7, 8][1 + i % 11]
    ] as other_number,
from range(5000) as numbers (i);

create table visited_networks as
select *
from (values
    (0, '20801', true),
    (1, '21401', true),
    (2, '22201', true),
    (3, '26006', true),
    (4, '23410', false),
    (5, '310410', false)
) as networks (network_number, serving_network, is_eu);
