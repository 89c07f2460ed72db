{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- A security lacks bars before, between and after its spells, or has none at all.
with calendar as (
    select max(session_no) as last_no
    from {{ ref('stg_sessions') }}
),

before_spells as (
    select
        spells.security_no,
        coalesce(lag(spells.last_no) over (partition by spells.security_no order by spells.first_no), 0) + 1 as first_no,
        spells.first_no - 1 as last_no
    from {{ ref('int_member_spells') }} as spells
),

after_spells as (
    select
        security_no,
        max(last_no) + 1 as first_no
    from {{ ref('int_member_spells') }}
    group by security_no
),

never_priced as (
    select distinct members.security_no
    from {{ ref('int_universe_members') }} as members
    left join after_spells on members.security_no = after_spells.security_no
    where after_spells.security_no is null
)

select
    security_no,
    first_no,
    last_no,
    'no_bar' as reason
from before_spells
where first_no <= last_no
union all
select
    after_spells.security_no,
    after_spells.first_no,
    calendar.last_no,
    'no_bar' as reason
from after_spells
cross join calendar
where after_spells.first_no <= calendar.last_no
union all
select
    never_priced.security_no,
    1 as first_no,
    calendar.last_no,
    'never_priced' as reason
from never_priced
cross join calendar
