from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField('user', 'rated_at', models.BigIntegerField(editable=False, null=True, verbose_name='마지막 게임(ms)')),
    ]
