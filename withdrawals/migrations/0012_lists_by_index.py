"""Columns and indexes that lists sort and filter by.

The generated columns make PostgreSQL write the table of withdrawals anew, and nobody can read it meanwhile: a matter of
minutes with millions of rows. Web and workers stand still for it, as the runbook says of every upgrade.
"""

import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


# Of what still waits, as it would have been written down at the request; of the rest no list asks.
NEW_DETAILS = """
UPDATE withdrawals_withdrawal SET has_new_details = true
FROM withdrawals_destination d
WHERE d.id = destination_id AND requested_at - d.first_seen_at < interval '72 hours'
    AND state IN ('requested', 'under_review', 'second_approval', 'on_hold', 'approved')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('kyc', '0004_player_by_name'),
        ('withdrawals', '0011_claims_holds_and_evidence'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='withdrawal',
            name='withdrawal_flagged',
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='has_new_details',
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(NEW_DETAILS, migrations.RunSQL.noop),
        migrations.AddField(
            model_name='withdrawal',
            name='house_value',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce('reference_amount', models.Value(9223372036854775807), output_field=models.BigIntegerField()), output_field=models.BigIntegerField()),
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='risk_order',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce('risk_score', models.Value(-1), output_field=models.SmallIntegerField()), output_field=models.SmallIntegerField()),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(fields=['-decided_at'], name='decision_by_time'),
        ),
        migrations.AddIndex(
            model_name='destination',
            index=models.Index(django.db.models.functions.text.Right('label', 4), name='destination_by_last_four'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('resolved_at__isnull', True)), fields=['at', 'id'], name='finding_open'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(condition=models.Q(('state__in', ('under_review', 'second_approval'))), fields=['due_at', 'id'], include=('state', 'currency', 'amount', 'requested_at'), name='withdrawal_waiting'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(condition=models.Q(('state', 'on_hold')), fields=['wake_at', 'id'], include=('state', 'due_at', 'currency', 'amount', 'requested_at'), name='withdrawal_on_hold'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(condition=models.Q(('state__in', ('under_review', 'second_approval'))), fields=['house_value', 'id'], name='withdrawal_waiting_value'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(condition=models.Q(('has_new_details', True), ('state__in', ('under_review', 'second_approval'))), fields=['due_at', 'id'], name='withdrawal_waiting_details'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(condition=models.Q(('is_flagged', True), ('state', 'under_review')), fields=['risk_order', 'id'], name='withdrawal_flagged_now'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['risk_order', 'id'], name='withdrawal_by_risk'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['state', 'id'], name='withdrawal_by_state'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['house_value', 'id'], name='withdrawal_by_value'),
        ),
    ]
