import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ranking', '0003_game_review'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(choices=[('day', '오늘'), ('week', '이번 주'), ('all', '전체')], max_length=4)),
                ('start', models.BigIntegerField()),
                ('games', models.PositiveIntegerField()),
                ('return_bps_sum', models.BigIntegerField()),
                ('average_bps', models.BigIntegerField()),
                ('best_bps', models.BigIntegerField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '누적 성적',
                'verbose_name_plural': '누적 성적',
                'indexes': [models.Index(fields=['period', 'start', '-average_bps', 'user'], name='tally_by_average')],
                'constraints': [models.UniqueConstraint(fields=('period', 'start', 'user'), name='tally_once_a_period'), models.CheckConstraint(condition=models.Q(('games__gt', 0)), name='tally_has_games')],
            },
        ),
    ]
