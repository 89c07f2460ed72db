{{ config(meta={'signals': ['performance']}) }}
{% set p = signal_parameters('performance', ['sessions_a_year']) -%}
-- A label known at one close earns the return of the next session.
with labelled as (
    select
        daily.session,
        lag(daily.session) over (order by daily.session) as label_session,
        lag(daily.rate_regime) over (order by daily.session) as rate_regime
    from {{ ref('rate_regime_daily') }} as daily
),

-- Funds must be compared over the same sessions and the same time span: after a missing bar, the return of one fund spans more
-- time than the others'.
compared as (
    select
        returns.fund,
        returns.session,
        returns.sessions_spanned
    from {{ ref('int_daily_returns') }} as returns
    inner join {{ ref('funds') }} as funds on returns.fund = funds.fund and funds.role in ('subject', 'benchmark')
    where returns.total_return is not null
),

compared_funds as (
    select count(distinct fund) as funds
    from compared
),

common_sessions as (
    select compared.session
    from compared
    cross join compared_funds
    group by compared.session
    having count(*) = max(compared_funds.funds) and min(compared.sessions_spanned) = max(compared.sessions_spanned)
),

earned as (
    select
        returns.fund,
        labelled.rate_regime,
        spells.spell_no,
        returns.session,
        ln(1 + returns.total_return) as log_return,
        common_sessions.session is not null as is_common
    from labelled
    inner join {{ ref('int_daily_returns') }} as returns on labelled.session = returns.session
    inner join {{ ref('rate_regime_spells') }} as spells
        on labelled.label_session between spells.first_session and spells.last_session
    left join common_sessions on labelled.session = common_sessions.session
    where returns.total_return is not null
),

samples as (
    select 'own' as sample, fund, rate_regime, spell_no, session, log_return from earned
    union all
    select 'common' as sample, fund, rate_regime, spell_no, session, log_return from earned where is_common
),

by_spell as (
    select
        sample,
        fund,
        rate_regime,
        spell_no,
        count(*) as sessions,
        sum(log_return) as log_return
    from samples
    group by sample, fund, rate_regime, spell_no
),

pooled as (
    select
        sample,
        fund,
        rate_regime,
        exp(sum(log_return) * {{ p.sessions_a_year }} / sum(sessions)) - 1 as annual_return,
        avg(exp(log_return) - 1) as mean_spell_return,
        median(exp(log_return) - 1) as median_spell_return,
        avg(case when log_return > 0 then cast(1 as double) else cast(0 as double) end) as hit_rate,
        count(*) as spells,
        sum(sessions) as sessions
    from by_spell
    group by sample, fund, rate_regime
),

-- A fund that lacks some of the common sessions has no figure over them.
common_lengths as (
    select
        rate_regime,
        max(sessions) as sessions
    from pooled
    where sample = 'common'
    group by rate_regime
)

select
    own.rate_regime,
    own.fund,
    {%- for figure in ['annual_return', 'mean_spell_return', 'median_spell_return', 'hit_rate'] %}
    common.{{ figure }},
    {%- endfor %}
    cast(common.spells as integer) as spells,
    cast(common.sessions as integer) as sessions,
    {%- for figure in ['annual_return', 'mean_spell_return', 'median_spell_return', 'hit_rate'] %}
    own.{{ figure }} as own_{{ figure }},
    {%- endfor %}
    cast(own.spells as integer) as own_spells,
    cast(own.sessions as integer) as own_sessions,
    {{ params_id() }} as params_id
from pooled as own
left join common_lengths on own.rate_regime = common_lengths.rate_regime
left join pooled as common
    on own.rate_regime = common.rate_regime
    and own.fund = common.fund
    and common.sample = 'common'
    and common_lengths.sessions = common.sessions
where own.sample = 'own'
