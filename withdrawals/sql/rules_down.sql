DROP TRIGGER attempt_matches ON withdrawals_payoutattempt;
DROP TRIGGER withdrawal_house_limits ON withdrawals_withdrawal;
DROP TRIGGER withdrawal_approvals ON withdrawals_withdrawal;
DROP TRIGGER withdrawal_agrees_on_update ON withdrawals_withdrawal;
DROP TRIGGER withdrawal_agrees_on_insert ON withdrawals_withdrawal;
DROP FUNCTION attempt_matches();
DROP FUNCTION withdrawal_house_limits();
DROP FUNCTION withdrawal_approvals();
DROP FUNCTION withdrawal_agrees();
