"""References have at least six digits: the first player is P-100000."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kyc", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE kyc_player ALTER COLUMN id RESTART WITH 100000",
            "ALTER TABLE kyc_player ALTER COLUMN id RESTART WITH 1",
        )
    ]
