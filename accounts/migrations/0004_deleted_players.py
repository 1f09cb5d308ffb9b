from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_user_session_stamp'),
    ]

    operations = [
        migrations.AddField('user', 'deleted_at', models.DateTimeField(editable=False, null=True, verbose_name='탈퇴한 때')),
        migrations.AddConstraint('user', models.CheckConstraint(
            condition=models.Q(('deleted_at', None), models.Q(('email', None), ('is_active', False)), _connector='OR'),
            name='accounts_deleted_cannot_log_in',
        )),
    ]
