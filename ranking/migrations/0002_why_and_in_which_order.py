from django.db import migrations, models
from django.db.models import F


def sequences_fill(apps, schema_editor):
    """Games were rated in the order of their numbers, as far as is known."""
    apps.get_model('ranking', 'GameSummary').objects.update(sequence=F('market_id'))


class Migration(migrations.Migration):

    dependencies = [
        ('ranking', '0001_initial'),
    ]

    operations = [
        migrations.AddField('gamesummary', 'sequence', models.PositiveBigIntegerField(null=True, verbose_name='평가 순서')),
        migrations.RunPython(sequences_fill, migrations.RunPython.noop),
        migrations.AlterField('gamesummary', 'sequence', models.PositiveBigIntegerField(unique=True, verbose_name='평가 순서')),
        migrations.AddField('result', 'room_size', models.PositiveSmallIntegerField(null=True, verbose_name='방 인원(시장 포함)')),
        migrations.AddField('result', 'room_rank', models.PositiveSmallIntegerField(null=True, verbose_name='방 순위')),
        migrations.AddField('result', 'expected_rank_tenths', models.PositiveSmallIntegerField(null=True, verbose_name='기대 순위(0.1위)')),
        migrations.AddField('result', 'house_margin_bps', models.BigIntegerField(null=True, verbose_name='시장 대비 수익률(bp)')),
        migrations.AddField('result', 'counted_percent', models.PositiveSmallIntegerField(null=True, verbose_name='반영률(%)')),
    ]
