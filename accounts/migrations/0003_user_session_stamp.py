from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_user_rated_at'),
    ]

    operations = [
        migrations.AddField('user', 'session_stamp', models.CharField(default='', editable=False, max_length=32)),
    ]
