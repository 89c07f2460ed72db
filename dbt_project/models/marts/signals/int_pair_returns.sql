{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Single-session total returns of both funds of a pair; a session on which either is missing, or spans more than one, has no row.
select
    pairs.pair,
    numerator.session,
    row_number() over (partition by pairs.pair order by numerator.session) as return_no,
    numerator.total_return as numerator_return,
    denominator.total_return as denominator_return
from {{ ref('pairs') }} as pairs
inner join {{ ref('int_daily_returns') }} as numerator on pairs.numerator = numerator.fund
inner join {{ ref('int_daily_returns') }} as denominator
    on pairs.denominator = denominator.fund and numerator.session = denominator.session
where numerator.sessions_spanned = 1 and denominator.sessions_spanned = 1
