{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set card = signal_parameters('scorecard', ['horizon_year']) -%}
-- Each belief of the guide that a mart can test: what is measured, what decides, and as of when.
with by_scorecard as (
    select
        claims.claim,
        scorecard.difference as measured,
        'fraction' as unit,
        'a year later ' || replace(scorecard.target, ' - ', ' minus ') || ' ' || {{ signed_percent('scorecard.mean_return') }}
        || ' on average, against ' || {{ signed_percent('scorecard.rest_return') }} || ' after the rest'
        || coalesce('; p ' || {{ p_value_text('scorecard.p_value') }}, '; its history is too short to be tested')
        || coalesce(', for all claims ' || {{ p_value_text('scorecard.p_family', equals='') }}, '') as reason,
        scorecard.verdict,
        scorecard.last_session as as_of,
        'scorecard' as read_from
    from {{ ref('guide_beliefs') }} as claims
    inner join {{ ref('scorecard') }} as scorecard
        on claims.signal = scorecard.signal
        and claims.subject = scorecard.subject
        and claims.label = scorecard.label
        and claims.target = scorecard.target
        and scorecard.horizon = {{ card.horizon_year | int }}
)

select claim, measured, unit, reason, verdict, as_of, read_from from by_scorecard
union all
select claim, measured, unit, reason, verdict, as_of, read_from from {{ ref('int_fund_beliefs') }}
union all
select claim, measured, unit, reason, verdict, as_of, read_from from {{ ref('int_market_beliefs') }}
