-- The tables of a release made by hand; <before>, <latest> and <contract> are filled in.
create table session_calendar as select session::date as session, is_half_day::boolean as is_half_day,
    session::date + interval 20 hour as closes_at
    from (values ('2026-09-24', false), ('2026-09-25', false), ('2026-09-28', false), ('2026-09-29', false), ('2026-09-30', false),
    ('2026-10-01', false), ('2026-11-27', true), ('2026-12-31', false)) as t (session, is_half_day);
create table reading as select row_number() over () ::integer as line, topic, subject, reading, measure, value::double as value, unit,
    since::date as since, sessions::integer as sessions, session::date as session, note, evidence
    from (values
    ('evidence', 'claims of the guide', 'Of 52 tests of the guide''s claims, 3 survive', 'claims', 3, 'claims', null, null, '2026-08-28', null, null),
    ('regime', 'IWM/SPY', 'risk_off', 'log ratio minus its trend mean', -0.0423, 'log points', '2025-08-27', 274, '2026-09-30', null,
        'a year later SPY +8.9 % on average; undecided: a difference below 10.4 % would often be missed'),
    ('regime', 'QQQ/SPY', 'risk_on', 'log ratio minus its trend mean', 0.0211, 'log points', '2026-09-29', 2, '2026-09-30', null, null),
    ('breadth', 'IWM, SPY, QQQ', 'mixed', 'total return of IWM over the breadth window', -0.0045, 'fraction', '2026-09-28', 3,
        '2026-09-30', null, null),
    ('rate_regime', 'Fed funds target', 'hold_after_cuts', 'midpoint of the target range', 0.03875, 'fraction a year', '2025-11-20', 215,
        '2026-09-30', null, 'a year later; contradicted: lower than the rest'),
    ('cycle_phase', 'rate cycle and IWM/SPY', null, 'sessions in the phase', null, 'sessions', null, null, '2026-09-30',
        'rates end on 2026-09-01; the last label, mid, is 21 sessions old', null),
    ('satellite', 'IWM beside a core of SPY', '10.0 % IWM, mid cycle: rates stay at 3.875 %', 'target weight of IWM', 0.1, 'fraction',
        null, null, '2026-09-30', null, 'timing effect +0.29 % a year; better than the static portfolio'),
    ('performance', 'IWM', null, 'total return over one year', -0.096, 'fraction', null, null, '2026-09-30', null, null))
    as t (topic, subject, reading, measure, value, unit, since, sessions, session, note, evidence);
create table scorecard as select *, 274::integer as sessions, 9::integer as spells, 7::integer as clusters, 0.089e0::double as mean_return,
    0.119e0::double as rest_return, -0.03e0::double as difference, -0.1e0::double as interval_low, 0.04e0::double as interval_high,
    1e0::double as p_family, 0.104e0::double as min_detectable, null::varchar as expected, '2026-08-28'::date as last_session
    from (values ('regime', 'IWM/SPY', 'risk_off', 21, 'SPY', 'undecided', 'undecided'),
    ('regime', 'IWM/SPY', 'risk_off', 252, 'SPY', 'undecided', 'undecided: a difference below 10.4 % would often be missed'), ('regime', 'IWM/SPY', 'risk_off', 252, 'IWM', 'bounded', 'bounded: no effect larger than 1.0 %'), ('trend_break', 'IWM/SPY', 'break_up', 252, 'SPY', 'suggestive', 'suggestive: not significant once all tests are counted'), ('rate_regime', 'Fed funds target', 'hold_after_cuts', 252, 'IWM - SPY', 'contradicted', 'contradicted: lower than the rest')) as t (signal, subject, label, horizon, target, verdict, verdict_in_words);
create table evidence_summary as select 'claims' as family, 52 as tested, 2.6e0::double as by_chance, 4 as found, 3 as surviving;
create table core_satellite_summary as select 'timed' as strategy, 'better than the static portfolio' as verdict;
create table ratio_daily as select pair, session::date as session, trend_break from (values
    ('IWM/SPY', '2025-09-03', 'break_up'), ('IWM/SPY', '2026-09-30', null), ('IWM/QQQ', '2026-09-29', 'break_down'))
    as t (pair, session, trend_break);
create table signal_levels as select signal, subject, session::date as session, since::date as since, label, flips_to, threshold::double as threshold,
    distance::double as distance, flip_ratio::double as flip_ratio, flip_change::double as flip_change, flip_close::double as flip_close,
    other_fund, other_close::double as other_close, analogues_n::integer as analogues_n, flips_5::double as flips_5,
    flips_21::double as flips_21, flips_63::double as flips_63, params_id
    from (values
    ('regime', 'IWM/SPY', '2026-09-30', '2025-08-27', 'risk_off', 'risk_on', 0.02, 0.0623, 0.4976, 0.0646, 305.12, 'SPY', 613.2, 40, 0, 0.1, 0.3, 'p'),
    ('regime', 'QQQ/SPY', '2026-09-30', '2026-09-29', 'risk_on', 'risk_off', -0.02, 0.0411, 1.1344, -0.04, null, 'SPY', 613.2, 0, null, null, null, 'p'),
    ('breadth', 'IWM, SPY, QQQ', '2026-09-30', '2026-09-28', 'mixed', 'small_cap_led', 0.02, 0.0245, null, null, 291.2, null, null, 9, 0, 0, 0, 'p'),
    ('trend_break', 'IWM/SPY', '2026-09-30', '2025-09-03', 'break_up', 'break_down', 0, 0.0411, 0.4976, -0.06, 268.4, 'SPY', 613.2, 0,
        null, null, null, 'p'))
    as t (signal, subject, session, since, label, flips_to, threshold, distance, flip_ratio, flip_change, flip_close, other_fund, other_close,
    analogues_n, flips_5, flips_21, flips_63, params_id);
create table price_daily as select fund, session::date as session, close::double as close, volume::bigint as volume from (values
    ('IWM', '2026-09-29', 285.1, 30000000), ('IWM', '2026-09-30', 286.64, 31000000), ('SPY', '2026-09-30', 613.2, 60000000),
    ('QQQ', '2026-09-30', 724.57, 40000000), ('VTWO', '2026-09-30', 115.3, 900000)) as t (fund, session, close, volume);
create table performance as select fund, window_name as "window_name", '2026-09-30'::date as end_session,
    total_return::double as total_return from (values
    ('IWM', '1d', 0.0054), ('IWM', '1w', -0.0121), ('IWM', '1m', 0.0310), ('IWM', 'ytd', -0.0801), ('IWM', '1y', -0.096),
    ('SPY', '1d', 0.0011), ('SPY', '1w', -0.0052), ('SPY', '1m', 0.0110), ('SPY', 'ytd', 0.0144),
    ('QQQ', '1d', 0.0), ('QQQ', '1w', 0.0122), ('QQQ', '1m', 0.0222)) as t (fund, window_name, total_return);
create table reconstitution_calendar as select '2026-12' as event, '2026-10-30'::date as rank_day, '2026-11-13'::date as preliminary_list,
    '2026-11-20'::date as list_update_1, '2026-11-27'::date as list_update_2, '2026-12-04'::date as list_update_3,
    null::date as list_update_4, '2026-11-30'::date as lock_down, '2026-12-11'::date as effective, true as is_next;
create table freshness as select feed, newest::date as newest, age_days::integer as age_days, sessions_behind::integer as sessions_behind,
    is_stale::boolean as is_stale, limit_text from (values
    ('prices', '2026-09-30', 1, 0, false, 'at most 0 sessions behind'), ('rates', '2026-09-30', 1, 0, false, 'at most 3 sessions behind'),
    ('holdings VOO', '2026-06-30', 93, null, true, 'at most 75 days old')) as t (feed, newest, age_days, sessions_behind, is_stale, limit_text);
create table release_history as select release_id, published_at::timestamp as published_at, last_session::date as last_session,
    is_kept::boolean as is_kept from (values
    ('20260930T223000000000Z', '2026-09-30 22:30', '2026-09-28', false), ('<before>', '2026-10-01 22:30', '2026-09-29', true),
    ('<latest>', '2026-10-02 22:30', '2026-09-30', true)) as t (release_id, published_at, last_session, is_kept);
create table reading_changes as select baseline, '<before>' as baseline_release_id, '2026-09-29'::date as baseline_session, topic, subject,
    field, value_before, value_after, change, cause, sentence from (values
    ('previous_release', 'regime', 'IWM/SPY', 'value', '-0.041', '-0.042', 'value', 'new data', 'IWM/SPY: trend gap -0.041 -> -0.042.'),
    ('previous_release', 'holdings', 'IWM', 'members', null, '12', 'member_added', 'new data', '12 members joined IWM.'),
    ('previous_release', 'regime', 'QQQ/SPY', 'label', 'risk_off', 'risk_on', 'flip', 'new data', 'QQQ/SPY turned risk_on on 2026-09-29.'),
    ('previous_session', 'breadth', 'IWM, SPY, QQQ', 'label', 'spy_only', 'mixed', 'flip', 'new data', 'Breadth turned mixed.'))
    as t (baseline, topic, subject, field, value_before, value_after, change, cause, sentence);
create table signal_state_daily as select session::date as session, regime_iwm_spy, trend_gap_iwm_spy::double as trend_gap_iwm_spy, breadth
    from (values ('2026-06-29', 'risk_on', 0.03, 'mixed'), ('2026-06-30', 'risk_on', 0.031, 'mixed'),
    ('2026-09-30', 'risk_off', -0.0423, 'mixed')) as t (session, regime_iwm_spy, trend_gap_iwm_spy, breadth);
create table release as select '<latest>' as release_id, '<contract>' as contract_version;
create table readme as select 'reading' as table_name, 'One row per statement.' as what_a_row_is;
