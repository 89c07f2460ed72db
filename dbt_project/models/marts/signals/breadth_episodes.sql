-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('breadth', ['episode_sessions']) -%}
{% set needed = p.episode_sessions | int -%}
with spells as (
    {{ spells(ref('breadth_daily'), 'breadth') }}
),

numbered as (
    select
        daily.session,
        spells.spell_no,
        row_number() over (partition by spells.spell_no order by daily.session) as session_of_spell
    from {{ ref('breadth_daily') }} as daily
    inner join spells on daily.session between spells.first_session and spells.last_session and daily.breadth = spells.breadth
),

bounds as (
    select max(spell_no) as last_spell_no
    from spells
)

select
    spells.breadth,
    spells.first_session,
    -- The episode could not be identified before this session.
    numbered.session as confirmed_on,
    spells.last_session,
    cast(spells.sessions as integer) as sessions,
    spells.spell_no = bounds.last_spell_no as is_open,
    '{{ p.params_id }}' as params_id
from spells
cross join bounds
inner join numbered on spells.spell_no = numbered.spell_no and numbered.session_of_spell = {{ needed }}
where spells.breadth <> 'mixed'
order by spells.first_session
