import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from liandong.base.table_creation import CreateTables


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('archive', '0001_initial'),
        ('base', '0001_initial'),
        ('exchange', '0001_initial'),
        ('intake', '0001_initial'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='ApiKey',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.CharField(max_length=16, unique=True, verbose_name='编号')),
                    ('line', models.CharField(db_index=True, max_length=16)),
                    ('name', models.CharField(max_length=100, verbose_name='用途')),
                    ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to='base.unit')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to=settings.AUTH_USER_MODEL)),
                    ('scopes', models.CharField(max_length=200, verbose_name='权限')),
                    ('networks', models.CharField(blank=True, max_length=400, verbose_name='来源网段')),
                    ('digest', models.CharField(max_length=64)),
                    ('per_minute', models.PositiveIntegerField(verbose_name='每分钟次数')),
                    ('issued_at', models.DateTimeField(verbose_name='签发')),
                    ('issued_by', models.CharField(max_length=150)),
                    ('expires_at', models.DateTimeField(verbose_name='到期')),
                    ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='停用')),
                    ('revoked_by', models.CharField(blank=True, max_length=150)),
                    ('last_used_at', models.DateTimeField(blank=True, null=True, verbose_name='最近使用')),
                    ('last_origin', models.CharField(blank=True, max_length=64)),
                    ('ready_at', models.BigIntegerField(default=0)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('issued_at'))), name='key_ends'), models.CheckConstraint(condition=models.Q(('scopes', ''), _negated=True), name='key_has_scope'), models.CheckConstraint(condition=models.Q(models.Q(('revoked_at__isnull', True), ('revoked_by', '')), models.Q(('revoked_at__isnull', False), models.Q(('revoked_by', ''), _negated=True)), _connector='OR'), name='key_revoked_paired')],
                },
            ),
            migrations.CreateModel(
                name='Asking',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(unique=True)),
                    ('request', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='asking', to='exchange.userequest')),
                    ('key', models.CharField(max_length=16)),
                ],
                options={
                    'ordering': ['id'],
                },
            ),
            migrations.CreateModel(
                name='Filing',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='filings', to='base.unit')),
                    ('system', models.CharField(max_length=40)),
                    ('document', models.CharField(max_length=100)),
                    ('digest', models.CharField(max_length=64)),
                    ('attempt', models.PositiveIntegerField(default=1)),
                    ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='filings', to='intake.batch')),
                    ('filed_at', models.DateTimeField()),
                    ('filed_by', models.CharField(max_length=150)),
                    ('key', models.CharField(max_length=16)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [models.UniqueConstraint(fields=('unit', 'system', 'document'), name='filed_once')],
                },
            ),
            migrations.CreateModel(
                name='KeptAnswer',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('line', models.CharField(max_length=16)),
                    ('token', models.CharField(max_length=64)),
                    ('request', models.CharField(max_length=64)),
                    ('status', models.PositiveSmallIntegerField(default=0)),
                    ('body', models.TextField(blank=True)),
                    ('location', models.CharField(blank=True, max_length=300)),
                    ('begun_at', models.DateTimeField()),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['begun_at'], name='answer_by_time')],
                    'constraints': [models.UniqueConstraint(fields=('line', 'token'), name='answer_once')],
                },
            ),
            migrations.CreateModel(
                name='Subscription',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(unique=True)),
                    ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='base.unit')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to=settings.AUTH_USER_MODEL)),
                    ('url', models.CharField(max_length=500)),
                    ('events', models.CharField(max_length=400)),
                    ('algorithm', models.CharField(max_length=12)),
                    ('generation', models.PositiveIntegerField(default=1)),
                    ('rotated_at', models.DateTimeField(blank=True, null=True)),
                    ('made_at', models.DateTimeField()),
                    ('made_by', models.CharField(max_length=150)),
                    ('failures', models.PositiveIntegerField(default=0)),
                    ('stopped_at', models.DateTimeField(blank=True, null=True)),
                    ('stopped_why', models.CharField(blank=True, max_length=12)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('stopped_at__isnull', True), ('stopped_why', '')), models.Q(('stopped_at__isnull', False), models.Q(('stopped_why', ''), _negated=True)), _connector='OR'), name='stopped_paired')],
                },
            ),
            migrations.CreateModel(
                name='Delivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='portal.subscription')),
                    ('event', models.CharField(max_length=40)),
                    ('body', models.TextField()),
                    ('made_at', models.DateTimeField()),
                    ('attempts', models.PositiveIntegerField(default=0)),
                    ('next_at', models.DateTimeField(blank=True, null=True)),
                    ('taken_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(fields=['next_at'], name='delivery_due')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('taken_at__isnull', True), ('next_at__isnull', True), _connector='OR'), name='taken_is_over')],
                },
            ),
            migrations.CreateModel(
                name='Attempt',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tries', to='portal.delivery')),
                    ('at', models.DateTimeField()),
                    ('status', models.PositiveSmallIntegerField(default=0)),
                    ('trouble', models.CharField(blank=True, max_length=100)),
                    ('took_ms', models.PositiveIntegerField(default=0)),
                ],
                options={
                    'ordering': ['id'],
                },
            ),
            migrations.CreateModel(
                name='Told',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=12)),
                    ('thing', models.PositiveBigIntegerField()),
                    ('state', models.CharField(max_length=16)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(fields=('kind', 'thing'), name='told_once')],
                },
            ),
            migrations.CreateModel(
                name='Transfer',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(unique=True)),
                    ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='base.unit')),
                    ('name', models.CharField(max_length=300)),
                    ('fonds', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='archive.fonds')),
                    ('mends', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='portal.transfer')),
                    ('opened_at', models.DateTimeField()),
                    ('opened_by', models.CharField(max_length=150)),
                    ('key', models.CharField(max_length=16)),
                    ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='intake.batch')),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(fields=['unit', 'id'], name='transfer_by_unit')],
                },
            ),
        ]),
    ]
