import django.db.models.deletion
import uuid
from django.db import migrations, models

from liandong.base.table_creation import CreateTables


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('archive', '0001_initial'),
        ('base', '0001_initial'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Batch',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('name', models.CharField(max_length=300, verbose_name='批次名称')),
                    ('kind', models.CharField(max_length=16)),
                    ('fonds', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='archive.fonds')),
                    ('unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='base.unit')),
                    ('state', models.CharField(choices=[('received', '已接收'), ('checking', '检测中'), ('pending_review', '待审核'), ('accepting', '入库中'), ('accepted', '已接收入库'), ('failed', '无法处理')], default='received', max_length=16, verbose_name='状态')),
                    ('accept', models.BooleanField(default=False)),
                    ('received_at', models.DateTimeField()),
                    ('received_by', models.CharField(max_length=150)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('content_digest', models.CharField(max_length=64)),
                    ('repeats', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='intake.batch')),
                    ('mends', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='mended_by', to='intake.batch')),
                    ('file_count', models.PositiveIntegerField(default=0)),
                    ('size_bytes', models.PositiveBigIntegerField(default=0)),
                    ('item_count', models.PositiveIntegerField(default=0)),
                    ('declared', models.JSONField(default=dict)),
                    ('checks', models.JSONField(default=list)),
                    ('failure', models.CharField(blank=True, max_length=40)),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(fields=['content_digest'], name='batch_by_content')],
                },
            ),
            migrations.CreateModel(
                name='Item',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='intake.batch')),
                    ('key', models.CharField(max_length=500)),
                    ('row', models.PositiveIntegerField(blank=True, null=True)),
                    ('state', models.CharField(choices=[('received', '待检测'), ('held', '有问题'), ('quarantined', '已隔离'), ('waiting', '待审核'), ('accepted', '已通过'), ('admitted', '已入库'), ('returned', '已退回'), ('duplicate', '重复')], default='received', max_length=12, verbose_name='状态')),
                    ('step', models.CharField(blank=True, max_length=12)),
                    ('description', models.JSONField(default=dict)),
                    ('code', models.CharField(blank=True, max_length=100)),
                    ('checks', models.JSONField(default=dict)),
                    ('page_count', models.PositiveIntegerField(default=0)),
                    ('blocking', models.PositiveIntegerField(default=0)),
                    ('warnings', models.PositiveIntegerField(default=0)),
                    ('record', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='item', to='archive.record')),
                    ('decided_at', models.DateTimeField(blank=True, null=True)),
                    ('decided_by', models.CharField(blank=True, max_length=150)),
                    ('reason', models.CharField(blank=True, max_length=500)),
                    ('trouble', models.CharField(blank=True, max_length=300)),
                ],
                options={
                    'ordering': ['batch', 'id'],
                    'indexes': [models.Index(fields=['batch', 'state', 'id'], name='item_by_state'), models.Index(fields=['code'], name='item_by_code')],
                    'constraints': [models.UniqueConstraint(fields=('batch', 'key'), name='item_once'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by', '')), models.Q(('decided_at__isnull', False), models.Q(('decided_by', ''), _negated=True)), _connector='OR'), name='decided_paired')],
                },
            ),
            migrations.CreateModel(
                name='HandedFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='intake.batch')),
                    ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='files', to='intake.item')),
                    ('path', models.CharField(max_length=1000)),
                    ('original_name', models.CharField(blank=True, max_length=1500)),
                    ('staged', models.CharField(blank=True, max_length=200)),
                    ('order', models.PositiveIntegerField(default=0)),
                    ('is_content', models.BooleanField(default=True)),
                    ('size_bytes', models.PositiveBigIntegerField()),
                    ('sha512', models.CharField(max_length=128)),
                    ('sha256', models.CharField(max_length=64)),
                    ('sm3', models.CharField(max_length=64)),
                    ('modified_at', models.DateTimeField(blank=True, null=True)),
                    ('puid', models.CharField(blank=True, max_length=40)),
                    ('mime', models.CharField(blank=True, max_length=127)),
                    ('format_name', models.CharField(blank=True, max_length=200)),
                    ('page_count', models.PositiveIntegerField(default=0)),
                ],
                options={
                    'ordering': ['batch', 'item', 'order', 'path'],
                    'indexes': [models.Index(fields=['sha256'], name='handed_by_sha256')],
                    'constraints': [models.UniqueConstraint(fields=('batch', 'path'), name='handed_once')],
                },
            ),
            migrations.CreateModel(
                name='ItemFinding',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='intake.batch')),
                    ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='intake.item')),
                    ('step', models.CharField(max_length=12)),
                    ('code', models.CharField(max_length=32)),
                    ('severity', models.CharField(max_length=6)),
                    ('where', models.CharField(blank=True, max_length=1000)),
                    ('row', models.PositiveIntegerField(blank=True, null=True)),
                    ('column', models.CharField(blank=True, max_length=100)),
                    ('page', models.PositiveIntegerField(blank=True, null=True)),
                    ('facts', models.JSONField(default=dict)),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['batch', 'code'], name='finding_by_code')],
                },
            ),
            migrations.CreateModel(
                name='ItemPage',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pages', to='intake.handedfile')),
                    ('number', models.PositiveIntegerField()),
                    ('page', models.JSONField()),
                    ('image', models.CharField(blank=True, max_length=200)),
                    ('look', models.CharField(blank=True, max_length=256)),
                ],
                options={
                    'ordering': ['file', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('file', 'number'), name='item_page_once')],
                },
            ),
            migrations.CreateModel(
                name='Proposal',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='proposals', to='intake.item')),
                    ('field', models.CharField(max_length=40)),
                    ('value', models.TextField()),
                    ('page', models.PositiveIntegerField(blank=True, null=True)),
                    ('box', models.JSONField(blank=True, null=True)),
                    ('confidence', models.FloatField()),
                    ('method', models.CharField(max_length=40)),
                    ('state', models.CharField(choices=[('proposed', '待定'), ('accepted', '已采纳'), ('edited', '已改采纳'), ('rejected', '不采纳')], default='proposed', max_length=10)),
                    ('decided_value', models.TextField(blank=True)),
                    ('decided_at', models.DateTimeField(blank=True, null=True)),
                    ('decided_by', models.CharField(blank=True, max_length=150)),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['state', 'confidence'], name='proposal_queue')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by', ''), ('state', 'proposed')), models.Q(models.Q(('state', 'proposed'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='proposal_decided_paired')],
                },
            ),
            migrations.CreateModel(
                name='StepRun',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='intake.item')),
                    ('step', models.CharField(max_length=12)),
                    ('tool', models.CharField(blank=True, max_length=200)),
                    ('started_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField()),
                    ('input_digest', models.CharField(max_length=64)),
                    ('outcome', models.CharField(max_length=12)),
                    ('detail', models.JSONField(default=dict)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(fields=('item', 'step', 'input_digest'), name='step_once')],
                },
            ),
            migrations.CreateModel(
                name='Upload',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('session', models.UUIDField(db_index=True)),
                    ('path', models.CharField(max_length=1000)),
                    ('size_bytes', models.PositiveBigIntegerField()),
                    ('offset', models.PositiveBigIntegerField(default=0)),
                    ('sha256', models.CharField(blank=True, max_length=64)),
                    ('created_at', models.DateTimeField()),
                    ('created_by', models.CharField(max_length=150)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(fields=('session', 'path'), name='upload_once')],
                },
            ),
        ]),
    ]
