import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ranking', '0002_why_and_in_which_order'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='GameReview',
            fields=[
                ('summary', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='review', serialize=False, to='ranking.gamesummary', verbose_name='게임')),
                ('grid', models.JSONField(editable=False)),
                ('courses', models.JSONField(editable=False)),
                ('median_bps', models.JSONField(editable=False)),
                ('curves', models.PositiveIntegerField(verbose_name='곡선 수')),
                ('computed_at', models.BigIntegerField(verbose_name='계산(ms)')),
            ],
            options={
                'verbose_name': '게임 돌아보기',
                'verbose_name_plural': '게임 돌아보기',
            },
        ),
        migrations.CreateModel(
            name='Award',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('liquidity', '호가 지킴이'), ('reaction', '번개 반응'), ('comeback', '대역전'), ('steady', '철벽 방어')], max_length=9, verbose_name='종류')),
                ('value', models.BigIntegerField(verbose_name='기록')),
                ('count', models.PositiveIntegerField(default=0, verbose_name='횟수')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='awards', to=settings.AUTH_USER_MODEL, verbose_name='받은 사람')),
                ('review', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='awards', to='ranking.gamereview', verbose_name='게임')),
            ],
            options={
                'verbose_name': '상',
                'verbose_name_plural': '상',
                'constraints': [models.UniqueConstraint(fields=('review', 'kind'), name='award_once_a_game')],
            },
        ),
    ]
