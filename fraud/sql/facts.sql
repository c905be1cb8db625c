-- What a player's history says at the moment of a request, in one statement however long the history is.
-- %(since)s begins the period; %(window)s the last 48 hours; only rows after the earlier of the two are read.
SELECT deposit.in_period, deposit.in_window, stake.in_period, stake.in_window, last.amount, last.at, device.players
FROM (
    SELECT coalesce(sum(amount) FILTER (WHERE at > %(since)s), 0)::bigint AS in_period,
           coalesce(sum(amount) FILTER (WHERE at > %(window)s), 0)::bigint AS in_window
    FROM fraud_deposit
    WHERE player_id = %(player)s AND currency = %(currency)s AND at <= %(at)s
      AND at > least(%(since)s, %(window)s)
) deposit
CROSS JOIN (
    SELECT coalesce(sum(amount) FILTER (WHERE at > %(since)s), 0)::bigint AS in_period,
           coalesce(sum(amount) FILTER (WHERE at > %(window)s), 0)::bigint AS in_window
    FROM fraud_play
    WHERE player_id = %(player)s AND currency = %(currency)s AND kind = 'stake' AND at <= %(at)s
      AND at > least(%(since)s, %(window)s)
) stake
LEFT JOIN (
    SELECT amount, at FROM fraud_deposit
    WHERE player_id = %(player)s AND currency = %(currency)s AND at <= %(at)s
    ORDER BY at DESC, id DESC LIMIT 1
) last ON true
LEFT JOIN (
    -- The most shared of the player's devices: how many players used it, this one included.
    SELECT count(DISTINCT login.player_id) AS players
    FROM fraud_login login
    WHERE login.at > %(devices)s AND login.at <= %(at)s AND login.device <> '' AND login.device IN (
        SELECT own.device FROM fraud_login own
        WHERE own.player_id = %(player)s AND own.at > %(devices)s AND own.at <= %(at)s AND own.device <> ''
    )
    GROUP BY login.device ORDER BY players DESC LIMIT 1
) device ON true
