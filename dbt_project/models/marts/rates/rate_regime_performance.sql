-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('performance', ['sessions_a_year'], upstream=['rate_regime']) -%}
-- A label known at one close earns the return of the next session.
with labelled as (
    select
        daily.session,
        lag(daily.session) over (order by daily.session) as label_session,
        lag(daily.rate_regime) over (order by daily.session) as rate_regime
    from {{ ref('rate_regime_daily') }} as daily
),

earned as (
    select
        returns.fund,
        labelled.rate_regime,
        spells.spell_no,
        ln(1 + returns.total_return) as log_return
    from labelled
    inner join {{ ref('int_daily_returns') }} as returns on labelled.session = returns.session
    inner join {{ ref('rate_regime_spells') }} as spells
        on labelled.label_session between spells.first_session and spells.last_session
    where returns.total_return is not null
),

by_spell as (
    select
        fund,
        rate_regime,
        spell_no,
        count(*) as sessions,
        exp(sum(log_return) * {{ p.sessions_a_year }} / count(*)) - 1 as annual_return,
        exp(sum(log_return)) - 1 as total_return
    from earned
    group by fund, rate_regime, spell_no
),

pooled as (
    select
        fund,
        rate_regime,
        count(*) as sessions,
        exp(sum(log_return) * {{ p.sessions_a_year }} / count(*)) - 1 as annual_return
    from earned
    group by fund, rate_regime
)

select
    pooled.rate_regime,
    pooled.fund,
    pooled.annual_return,
    avg(by_spell.total_return) as mean_spell_return,
    median(by_spell.total_return) as median_spell_return,
    avg(case when by_spell.total_return > 0 then 1.0 else 0.0 end) as hit_rate,
    cast(count(*) as integer) as spells,
    cast(pooled.sessions as integer) as sessions,
    '{{ p.params_id }}' as params_id
from pooled
inner join by_spell on pooled.fund = by_spell.fund and pooled.rate_regime = by_spell.rate_regime
group by pooled.rate_regime, pooled.fund, pooled.annual_return, pooled.sessions
order by pooled.rate_regime, pooled.fund
