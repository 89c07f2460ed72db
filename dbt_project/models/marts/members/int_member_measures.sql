{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- What each bar of a security says beside its own earlier bars. A bar belongs to the security that had the symbol when the vendor
-- was asked; of all observations of a security's session, the newest counts. Windows are counted in bars of the security.
with questions as (
    select distinct
        symbol,
        ticker,
        observed_at,
        document_id
    from {{ ref('stg_member_observations') }}
),

answers as (
    select
        questions.symbol,
        questions.observed_at,
        questions.document_id,
        holders.security_id,
        row_number() over (
            partition by holders.security_id order by questions.observed_at, questions.document_id, questions.symbol
        ) as answer_no
    from questions
    inner join {{ ref('int_symbol_holders') }} as holders
        on questions.ticker = holders.ticker
        and holders.first_day <= cast(questions.observed_at as date)
        and holders.last_day >= cast(questions.observed_at as date)
),

observations as (
    select
        answers.security_id,
        answers.answer_no,
        bars.session,
        bars.high,
        bars.low,
        bars.close,
        bars.volume
    from {{ ref('stg_member_observations') }} as bars
    inner join answers
        on bars.symbol = answers.symbol
        and bars.observed_at = answers.observed_at
        and bars.document_id = answers.document_id
),

-- Most bars are known from a security's first answer alone: only those of later answers are ranked.
later_answers as (
    select
        *,
        row_number() over (partition by security_id, session order by answer_no desc) as recency
    from observations
    where answer_no > 1
),

bars as (
    select
        security_id,
        session,
        high,
        low,
        close,
        volume
    from later_answers
    where recency = 1
    union all
    select
        observations.security_id,
        observations.session,
        observations.high,
        observations.low,
        observations.close,
        observations.volume
    from observations
    left join later_answers
        on observations.security_id = later_answers.security_id
        and observations.session = later_answers.session
        and later_answers.recency = 1
    where observations.answer_no = 1 and later_answers.session is null
),

windows as (
    select
        security_id,
        session,
        high,
        low,
        close,
        volume,
        row_number() over bars_so_far as bar_no,
        lag(close) over bars_so_far as previous_close,
        avg(close) over last_50 as mean_50,
        avg(close) over last_200 as mean_200,
        max(close) over year_before as highest_close,
        min(close) over year_before as lowest_close,
        max(high) over year_before as highest_high,
        min(low) over year_before as lowest_low
    from bars
    window
        bars_so_far as (partition by security_id order by session),
        last_50 as (partition by security_id order by session rows between 49 preceding and current row),
        last_200 as (partition by security_id order by session rows between 199 preceding and current row),
        year_before as (partition by security_id order by session rows between 251 preceding and 1 preceding)
)

select
    security_id,
    session,
    bar_no,
    volume,
    close / previous_close - 1 as price_return,
    case when close > previous_close then 1 when close < previous_close then -1 when close = previous_close then 0 end as direction,
    -- A difference in the twelfth digit is none: a mean of equal prices is not exactly that price.
    case when bar_no >= 50 then close > mean_50 * (1 + 1e-12) end as is_above_50,
    case when bar_no >= 200 then close > mean_200 * (1 + 1e-12) end as is_above_200,
    case when bar_no >= 252 then close > highest_close end as is_high_close,
    case when bar_no >= 252 then close < lowest_close end as is_low_close,
    case when bar_no >= 252 then high > highest_high end as is_high_intraday,
    case when bar_no >= 252 then low < lowest_low end as is_low_intraday
from windows
