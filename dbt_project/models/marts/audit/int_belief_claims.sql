{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Each belief of the guide that a mart can test: what is measured, what decides, and as of when.
with by_scorecard as (
    select
        claims.claim,
        scorecard.difference as measured,
        'fraction' as unit,
        'over ' || {{ text('scorecard.horizon') }} || ' sessions, the horizon of the verdict, '
        || replace(scorecard.target, ' - ', ' minus ') || ' ' || {{ signed_percent('scorecard.mean_return') }}
        || ' on average, against ' || {{ signed_percent('scorecard.rest_return') }} || ' after the rest; '
        || case
            when scorecard.p_value is null then 'not tested, ' || replace(scorecard.verdict_in_words, 'undecided: ', '')
            else 'p ' || {{ p_value_text('scorecard.p_value') }}
                || coalesce(', for all claims ' || {{ p_value_text('scorecard.p_family', equals='') }}, '')
        end
        || '; surviving at other horizons: ' || horizons.other_horizons as reason,
        scorecard.verdict,
        scorecard.last_session as as_of,
        'scorecard' as read_from
    from {{ ref('guide_beliefs') }} as claims
    inner join {{ ref('int_audited_horizons') }} as horizons using (signal, subject, label, target)
    inner join {{ ref('scorecard') }} as scorecard using (signal, subject, label, target, horizon)
)

select claim, measured, unit, reason, verdict, as_of, read_from from by_scorecard
union all
select claim, measured, unit, reason, verdict, as_of, read_from from {{ ref('int_fund_beliefs') }}
union all
select claim, measured, unit, reason, verdict, as_of, read_from from {{ ref('int_market_beliefs') }}
