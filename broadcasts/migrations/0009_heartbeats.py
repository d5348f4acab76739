from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('broadcasts', '0008_leases_beside_the_rows'),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='machine:process:group', max_length=200, unique=True)),
                ('serves', models.CharField(blank=True, help_text='Names of queues, or sweep, divided by blanks. Empty: it is stopping.', max_length=200)),
                ('works_on', models.CharField(blank=True, help_text='Like “broadcast 12, import 3”.', max_length=200)),
                ('started_at', models.DateTimeField()),
                ('beat_at', models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(condition=models.Q(('outcome', 'in_doubt')), fields=['delivery'], name='attempt_in_doubt'),
        ),
    ]
