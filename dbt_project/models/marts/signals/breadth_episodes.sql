{{ config(meta={'signals': ['breadth']}) }}
{% set p = signal_parameters('breadth', ['episode_sessions']) -%}
{% set needed = p.episode_sessions | int -%}
with numbered as (
    select
        daily.session,
        spells.spell_no,
        row_number() over (partition by spells.spell_no order by daily.session) as session_of_spell
    from {{ ref('breadth_daily') }} as daily
    inner join {{ ref('int_breadth_spells') }} as spells
        on daily.session between spells.first_session and spells.last_session and daily.breadth = spells.breadth
)

select
    spells.breadth,
    spells.first_session,
    -- The episode could not be identified before this session.
    numbered.session as confirmed_on,
    spells.last_session,
    cast(spells.sessions as integer) as sessions,
    spells.is_open,
    {{ params_id() }} as params_id
from {{ ref('int_breadth_spells') }} as spells
inner join numbered on spells.spell_no = numbered.spell_no and numbered.session_of_spell = {{ needed }}
where spells.breadth <> 'mixed'
