-- Invariants over the read-only views in schema inv. Each query returns the rows in breach; empty means it holds.
-- [statement]: compares with the providers' own books. [at rest]: holds once nothing is in flight.
-- name: L01 the postings of an entry sum to zero per currency
select entry_id, currency, sum(amount) s from inv.posting group by 1, 2 having sum(amount) <> 0
-- name: L02 every entry has at least two postings
select e.entry_id from inv.entry e left join inv.posting p using (entry_id) group by 1 having count(p.posting_id) < 2
-- name: L03 the currency of a posting is that of its account
select p.posting_id from inv.posting p join inv.account a using (account_id) where p.currency <> a.currency
-- name: L04 a kept balance equals the sum of its postings, wherever their entries balance
select a.account_id, a.balance, coalesce(sum(p.amount), 0) s from inv.account a left join inv.posting p using (account_id) where a.account_id not in (select x.account_id from inv.posting x join (select entry_id from inv.posting group by entry_id, currency having sum(amount) <> 0) broken using (entry_id)) group by 1, 2 having a.balance <> coalesce(sum(p.amount), 0)
-- name: L05 no player account is below zero
select account_id, kind, balance from inv.account where balance < 0 and not allow_negative
-- name: L06 all balances of a currency sum to zero
select currency, sum(balance) from inv.account group by 1 having sum(balance) <> 0
-- name: L07 what is held or frozen for a player equals the player's open withdrawals
select coalesce(a.player_id, w.player_id) player_id, coalesce(a.currency, w.currency) currency, coalesce(a.kind, w.kind) kind, a.balance, w.amount from (select player_id, currency, kind, sum(balance) balance from inv.account where kind in ('player_hold', 'legal_hold') group by 1, 2, 3) a full join (select player_id, currency, case when hold_kind = 'legal' then 'legal_hold' else 'player_hold' end kind, sum(amount) amount from inv.withdrawal where is_open group by 1, 2, 3) w on a.player_id = w.player_id and a.currency = w.currency and a.kind = w.kind where coalesce(a.balance, 0) <> coalesce(w.amount, 0)
-- name: L08 entry keys are unique, and an entry is reversed at most once
select idem_key from inv.entry group by 1 having count(*) > 1 union all select reverses::text from inv.entry where reverses is not null group by 1 having count(*) > 1
-- name: L09 one hold per withdrawal, one of release and settle, one return
select withdrawal_id from inv.entry where withdrawal_id is not null group by 1 having count(*) filter (where kind = 'hold') > 1 or count(*) filter (where kind in ('release', 'settle')) > 1 or count(*) filter (where kind = 'return') > 1
-- name: L10 state and ledger agree
select w.withdrawal_id, w.state from inv.withdrawal w left join inv.entry e using (withdrawal_id) group by 1, 2 having coalesce(array_agg(e.kind order by e.kind) filter (where e.kind in ('hold', 'release', 'settle', 'return')), '{}') <> case when w.state in ('rejected', 'cancelled', 'failed') then array['hold', 'release'] when w.state = 'completed' then array['hold', 'settle'] when w.state = 'returned' then array['hold', 'return', 'settle'] else array['hold'] end
-- name: L11 what is in transit at a provider equals the withdrawals that are with it
select coalesce(a.provider, w.provider) provider, coalesce(a.currency, w.currency) currency, a.balance, w.amount from (select provider, currency, sum(balance) balance from inv.account where own_kind = 'payout_in_transit' group by 1, 2) a full join (select provider, currency, sum(amount) amount from inv.withdrawal where state in ('processing', 'outcome_unknown') group by 1, 2) w on a.provider = w.provider and a.currency = w.currency where coalesce(a.balance, 0) <> coalesce(w.amount, 0)
-- name: P01 [statement] money out at providers never exceeds what was approved
select m.withdrawal_id, sum(m.amount) paid, w.amount from (select a.withdrawal_id, s.provider, s.provider_ref, s.amount from inv.provider_stmt s join (select distinct withdrawal_id, provider, idem_key from inv.attempt) a on a.provider = s.provider and a.idem_key = s.idem_key where s.status in ('settled', 'accepted')) m join inv.withdrawal w using (withdrawal_id) group by 1, w.amount having sum(m.amount) > w.amount
-- name: P02 [statement] at most one payment that moves money per withdrawal, across providers
select customer_ref, count(*) from inv.provider_stmt where status in ('settled', 'accepted') group by 1 having count(*) > 1
-- name: P03 [statement] every record of a provider belongs to an attempt
select s.provider, s.provider_ref, s.idem_key from inv.provider_stmt s left join inv.attempt a on a.provider = s.provider and a.idem_key = s.idem_key where a.attempt_id is null
-- name: P04 [statement] amount and currency of a record equal the attempt's
select s.provider_ref from inv.provider_stmt s join inv.attempt a on a.provider = s.provider and a.idem_key = s.idem_key where s.amount <> a.amount or s.currency <> a.currency
-- name: P05 [statement] completed or returned here means that money moved there
select w.withdrawal_id, w.state from inv.withdrawal w where w.state in ('completed', 'returned') and not exists (select 1 from inv.attempt a join inv.provider_stmt s on s.provider = a.provider and s.idem_key = a.idem_key where a.withdrawal_id = w.withdrawal_id and (s.status = 'returned' or (s.status = 'settled' and w.state = 'completed')))
-- name: P06 [statement] [at rest] the provider's outcome is ours
select s.provider_ref, w.withdrawal_id, s.status, w.state from inv.provider_stmt s join inv.attempt a on s.provider = a.provider and s.idem_key = a.idem_key join inv.withdrawal w using (withdrawal_id) where (s.status = 'settled' and w.state <> 'completed') or (s.status = 'returned' and w.state <> 'returned')
-- name: P07 at most one live attempt per withdrawal, and none on one whose money went back
select withdrawal_id from inv.attempt where state in ('sending', 'unknown', 'accepted', 'paid') group by 1 having count(*) > 1 union all select a.withdrawal_id from inv.attempt a join inv.withdrawal w using (withdrawal_id) where a.state in ('sending', 'unknown', 'accepted', 'paid') and w.state in ('rejected', 'cancelled', 'failed')
-- name: P08 an attempt is for the withdrawal's amount less its fee
select a.attempt_id from inv.attempt a join inv.withdrawal w using (withdrawal_id) where a.amount <> w.amount - a.fee or a.currency <> w.currency
-- name: P09 no attempt before an approval
select a.attempt_id from inv.attempt a where not exists (select 1 from inv.transition t where t.withdrawal_id = a.withdrawal_id and t.to_state = 'approved' and t.at <= a.created_at)
-- name: P10 [statement] [at rest] the float moved by what the provider settled
select a.provider, a.currency, a.balance, coalesce(s.amount, 0) settled from (select provider, currency, sum(balance) balance from inv.account where kind = 'provider_clearing' group by 1, 2) a left join (select provider, currency, sum(amount) amount from inv.provider_stmt where status in ('settled', 'returned') group by 1, 2) s using (provider, currency) where a.balance <> coalesce(s.amount, 0)
-- name: S01 every transition is an allowed one
select t.withdrawal_id, t.from_state, t.to_state from inv.transition t left join inv.allowed a using (from_state, to_state) where a.from_state is null
-- name: S02 history is a connected path without gaps from the beginning
select withdrawal_id, seq from (select *, lag(to_state) over (partition by withdrawal_id order by seq) pt, lag(seq) over (partition by withdrawal_id order by seq) ps from inv.transition) x where (ps is null and (seq <> 0 or from_state <> '')) or (ps is not null and (seq <> ps + 1 or pt <> from_state))
-- name: S03 the present state is the last of the history
select w.withdrawal_id from inv.withdrawal w left join lateral (select to_state from inv.transition t where t.withdrawal_id = w.withdrawal_id order by seq desc limit 1) t on true where w.state is distinct from t.to_state
-- name: S04 final states have no exit
select withdrawal_id from inv.transition where from_state in ('rejected', 'cancelled', 'failed', 'returned') or (from_state = 'completed' and to_state <> 'returned')
-- name: A01 what is approved has the required number of different approvers
select w.withdrawal_id, w.required_approvals, count(distinct a.approver_id) from inv.withdrawal w left join inv.approval a on a.withdrawal_id = w.withdrawal_id and a.voided_at is null where w.state in ('approved', 'processing', 'outcome_unknown', 'completed', 'returned') group by 1, 2 having count(distinct a.approver_id) < w.required_approvals
-- name: A02 nobody approves twice, and whoever confirms decided nothing on it before
select withdrawal_id from inv.approval where voided_at is null group by 1 having count(*) <> count(distinct approver_id) union all select c.withdrawal_id from inv.transition c join inv.transition e on e.withdrawal_id = c.withdrawal_id and e.seq < c.seq and e.actor_id = c.actor_id where c.from_state = 'second_approval' and c.to_state = 'approved'
-- name: A03 large amounts required two approvals
select withdrawal_id from inv.withdrawal where coalesce(reference_amount, 1000001) > 1000000 and required_approvals < 2 and state not in ('requested', 'rejected', 'cancelled')
-- name: A04 all approvals of one withdrawal cover the same content
select withdrawal_id from inv.approval where voided_at is null group by 1 having count(distinct digest) > 1
-- name: A05 nothing is paid after a rejection or cancellation
select withdrawal_id from inv.transition group by 1 having bool_or(to_state in ('rejected', 'cancelled')) and bool_or(to_state in ('processing', 'completed') and seq > 0) and max(seq) filter (where to_state in ('processing', 'completed')) > min(seq) filter (where to_state in ('rejected', 'cancelled'))
-- name: A06 what is sent is what was approved
select a.attempt_id from inv.attempt a join inv.withdrawal w using (withdrawal_id) where a.state in ('sending', 'accepted', 'unknown', 'paid') and a.digest <> w.digest
-- name: A07 what no person approved had checks, and none with a concern
select t.withdrawal_id from inv.transition t left join inv.check_result c on c.withdrawal_id = t.withdrawal_id and c.at = t.at where t.from_state = 'requested' and t.to_state = 'approved' group by 1 having count(c.code) = 0 or bool_or(c.outcome not in ('pass', 'note'))
-- name: A08 while money may be out already, nothing of it moves
select w.withdrawal_id from inv.withdrawal w join inv.finding f using (withdrawal_id) join inv.transition t using (withdrawal_id) where f.stops_payouts and f.resolved_at is null and t.at > f.at and t.from_state in ('requested', 'under_review', 'second_approval', 'on_hold', 'approved') and t.to_state in ('second_approval', 'approved', 'processing', 'rejected', 'cancelled')
-- name: H01 every audit chain is gapless
select chain, seq from (select chain, seq, lag(seq, 1, 0::bigint) over (partition by chain order by seq) p from inv.audit) x where seq <> p + 1
-- name: H02 every audit chain links and recomputes
select chain, seq from (select chain, seq, prev, hash, body, lag(hash, 1, '\x00'::bytea) over (partition by chain order by seq) lh from inv.audit) x where prev <> lh or hash <> sha256(prev || convert_to(body, 'utf8'))
-- name: H03 the head of every audit chain is its last entry
select h.chain, h.seq from inv.audit_head h left join (select distinct on (chain) chain, seq, hash from inv.audit order by chain, seq desc) a using (chain) where a.hash is distinct from h.hash or a.seq is distinct from h.seq
-- name: I01 one withdrawal per intake key
select source, intake_key from inv.withdrawal group by 1, 2 having count(*) > 1
-- name: I02 one row per provider event, and nothing unverified applied
select provider, event_id from inv.webhook group by 1, 2 having count(*) > 1 union all select provider, event_id from inv.webhook where not verified and applied is not null
-- name: Q01 [at rest] nothing is left to tell the platform
select id, topic, ref, tries from inv.outbox where done is null and tries = 0
-- name: Q02 [at rest] nothing is between states
select withdrawal_id, state from inv.withdrawal where state in ('requested', 'approved', 'processing')
-- name: Q03 [at rest] every verified webhook is applied
select provider, event_id from inv.webhook where verified and applied is null
