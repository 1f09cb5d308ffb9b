import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('trading', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='GameSummary',
            fields=[
                ('market', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='summary', serialize=False, to='trading.market', verbose_name='게임')),
                ('participants', models.PositiveIntegerField(default=0, verbose_name='참가자 수')),
                ('house_return_bps', models.BigIntegerField(default=0, verbose_name='시장 수익률(bp)')),
                ('computed_at', models.BigIntegerField(verbose_name='계산(ms)')),
            ],
            options={
                'verbose_name': '게임 요약',
                'verbose_name_plural': '게임 요약',
            },
        ),
        migrations.CreateModel(
            name='ClosingValue',
            fields=[
                ('listing', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='closing_value', serialize=False, to='trading.listing', verbose_name='종목')),
                ('value', models.PositiveBigIntegerField(verbose_name='종가(원)')),
                ('window_quantity', models.PositiveBigIntegerField(verbose_name='평가 구간 거래량(주)')),
                ('window_value', models.PositiveBigIntegerField(verbose_name='평가 구간 거래대금(원)')),
                ('return_bps', models.BigIntegerField(verbose_name='등락률(bp)')),
                ('summary', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='closing_values', to='ranking.gamesummary', verbose_name='게임')),
            ],
            options={
                'verbose_name': '종가',
                'verbose_name_plural': '종가',
            },
        ),
        migrations.CreateModel(
            name='Result',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveIntegerField(verbose_name='순위')),
                ('return_bps', models.BigIntegerField(verbose_name='수익률(bp)')),
                ('initial_cash', models.BigIntegerField(verbose_name='시작 자금(원)')),
                ('cash', models.BigIntegerField(verbose_name='예수금(원)')),
                ('equity', models.BigIntegerField(verbose_name='총자산(원)')),
                ('fills', models.PositiveIntegerField(verbose_name='체결 수')),
                ('mmr_before', models.IntegerField(verbose_name='이전 MMR')),
                ('mmr_after', models.IntegerField(verbose_name='이후 MMR')),
                ('tier_before', models.CharField(choices=[('bronze', '브론즈'), ('silver', '실버'), ('gold', '골드'), ('platinum', '플래티넘'), ('diamond', '다이아몬드')], max_length=8, verbose_name='이전 티어')),
                ('tier_after', models.CharField(choices=[('bronze', '브론즈'), ('silver', '실버'), ('gold', '골드'), ('platinum', '플래티넘'), ('diamond', '다이아몬드')], max_length=8, verbose_name='이후 티어')),
                ('mean_before', models.FloatField()),
                ('mean_after', models.FloatField()),
                ('deviation_before', models.FloatField()),
                ('deviation_after', models.FloatField()),
                ('games_played', models.PositiveIntegerField(verbose_name='참가한 게임')),
                ('market', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='results', to='trading.market', verbose_name='게임')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='results', to=settings.AUTH_USER_MODEL, verbose_name='참가자')),
            ],
            options={
                'verbose_name': '결과',
                'verbose_name_plural': '결과',
                'indexes': [models.Index(fields=['market', 'rank', 'id'], name='result_by_rank'), models.Index(fields=['user', '-market'], name='result_by_user')],
                'constraints': [models.UniqueConstraint(fields=('market', 'user'), name='result_once_a_market'), models.CheckConstraint(condition=models.Q(('rank__gt', 0)), name='result_rank_positive'), models.CheckConstraint(condition=models.Q(('fills__gt', 0)), name='result_has_fills')],
            },
        ),
    ]
