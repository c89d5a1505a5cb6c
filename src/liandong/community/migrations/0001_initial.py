import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from liandong.base.table_creation import CreateTables


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('base', '0001_initial'),
        ('cases', '0001_initial'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='ConductReport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('case', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='conduct_report', to='cases.case')),
                    ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='base.unit')),
                    ('person', models.CharField(blank=True, max_length=100, verbose_name='所涉人员')),
                ],
                options={
                    'ordering': ['-id'],
                },
            ),
            migrations.CreateModel(
                name='ContactRecord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('official', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to=settings.AUTH_USER_MODEL, verbose_name='公职人员')),
                    ('enterprise', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='base.unit', verbose_name='企业')),
                    ('kind', models.CharField(max_length=16, verbose_name='形式')),
                    ('rule', models.CharField(max_length=8, verbose_name='依据')),
                    ('day', models.DateField(verbose_name='日期')),
                    ('place', models.CharField(max_length=200, verbose_name='地点')),
                    ('others', models.CharField(blank=True, max_length=300, verbose_name='其他参加人')),
                    ('purpose', models.CharField(blank=True, max_length=500, verbose_name='事由')),
                    ('next_step', models.CharField(blank=True, max_length=500, verbose_name='下一步')),
                    ('replaces', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to='community.contactrecord')),
                    ('at', models.DateTimeField(verbose_name='登记时间')),
                    ('by', models.CharField(max_length=150)),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(fields=['official', 'enterprise', 'day'], name='contact_by_pair')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('replaces', models.F('id')), _negated=True), name='contact_not_itself')],
                },
            ),
            migrations.CreateModel(
                name='ConductHint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='hints', to='community.contactrecord')),
                    ('code', models.CharField(max_length=16)),
                    ('found_at', models.DateTimeField()),
                    ('verdict', models.CharField(blank=True, choices=[('proper', '正常'), ('explain', '请说明情况'), ('refer', '移交纪检监察机关')], max_length=8, verbose_name='判定')),
                    ('reason', models.CharField(blank=True, max_length=500, verbose_name='理由')),
                    ('judged_by', models.CharField(blank=True, max_length=150)),
                    ('judged_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [models.UniqueConstraint(fields=('contact', 'code'), name='hint_once'), models.CheckConstraint(condition=models.Q(models.Q(('judged_at__isnull', True), ('judged_by', ''), ('reason', ''), ('verdict', '')), models.Q(models.Q(('verdict', ''), _negated=True), models.Q(('reason', ''), _negated=True), models.Q(('judged_by', ''), _negated=True), ('judged_at__isnull', False)), _connector='OR'), name='hint_judged_by_a_person')],
                },
            ),
            migrations.CreateModel(
                name='PointsAccount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('house', models.CharField(blank=True, choices=[('issued', '发放'), ('redeemed', '兑换')], max_length=8)),
                    ('holder', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='points', to=settings.AUTH_USER_MODEL)),
                    ('pseudonym', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='points', to='cases.pseudonym')),
                    ('balance', models.IntegerField(default=0, verbose_name='余额')),
                    ('opened_at', models.DateTimeField()),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('balance__gte', 0)), name='points_never_negative'), models.CheckConstraint(condition=models.Q(('holder__isnull', True), ('pseudonym__isnull', True), _connector='OR'), name='points_one_owner'), models.CheckConstraint(condition=models.Q(('house', ''), models.Q(('balance', 0), ('holder__isnull', True), ('pseudonym__isnull', True)), _connector='OR'), name='points_house_owns_itself'), models.UniqueConstraint(condition=models.Q(('house', ''), _negated=True), fields=('house',), name='points_house_once')],
                },
            ),
            migrations.CreateModel(
                name='RedemptionCode',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='code', to='community.pointsaccount')),
                    ('digest', models.CharField(max_length=64, unique=True)),
                    ('until', models.DateTimeField()),
                ],
            ),
            migrations.CreateModel(
                name='Station',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.SlugField(max_length=24, unique=True, verbose_name='编号')),
                    ('name', models.CharField(max_length=80, verbose_name='名称')),
                    ('operator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stations', to='base.unit')),
                    ('address', models.CharField(max_length=200, verbose_name='地址')),
                    ('lat', models.FloatField(verbose_name='纬度')),
                    ('lon', models.FloatField(verbose_name='经度')),
                    ('is_24h', models.BooleanField(default=False, verbose_name='全天开放')),
                    ('opens_at', models.TimeField(blank=True, null=True, verbose_name='开门')),
                    ('closes_at', models.TimeField(blank=True, null=True, verbose_name='关门')),
                    ('seats', models.PositiveSmallIntegerField(default=0, verbose_name='座位')),
                    ('phone', models.CharField(blank=True, max_length=40, verbose_name='电话')),
                    ('facilities', models.JSONField(default=list)),
                    ('is_open', models.BooleanField(default=True, verbose_name='对外开放')),
                    ('note', models.CharField(blank=True, max_length=300, verbose_name='说明')),
                    ('changed_at', models.DateTimeField()),
                ],
                options={
                    'ordering': ['name', 'id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('lat__gte', -90), ('lat__lte', 90), ('lon__gte', -180), ('lon__lte', 180)), name='station_on_earth'), models.CheckConstraint(condition=models.Q(('is_24h', True), models.Q(('closes_at__isnull', False), ('opens_at__isnull', False)), _connector='OR'), name='station_has_hours')],
                },
            ),
            migrations.CreateModel(
                name='PointsPosting',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('act', models.CharField(choices=[('credit', '奖励'), ('take_back', '冲回'), ('redeem', '兑换')], max_length=10)),
                    ('points', models.PositiveIntegerField()),
                    ('why', models.CharField(max_length=16)),
                    ('event', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='cases.caseevent')),
                    ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='cases.case')),
                    ('version', models.CharField(blank=True, max_length=16)),
                    ('goods', models.CharField(blank=True, max_length=32)),
                    ('station', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='community.station')),
                    ('at', models.DateTimeField()),
                    ('by', models.CharField(max_length=150)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('event__isnull', False)), fields=('event', 'case'), name='posting_once_for_event'), models.CheckConstraint(condition=models.Q(models.Q(('act', 'redeem'), ('event__isnull', True), ('points__gt', 0), ('station__isnull', False)), models.Q(('act__in', ['credit', 'take_back']), ('case__isnull', False), ('event__isnull', False), ('station__isnull', True)), _connector='OR'), name='posting_has_its_cause')],
                },
            ),
            migrations.CreateModel(
                name='PointsEntry',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('posting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='community.pointsposting')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='community.pointsaccount')),
                    ('points', models.IntegerField()),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(fields=('posting', 'account'), name='entry_once'), models.CheckConstraint(condition=models.Q(('points', 0), _negated=True), name='entry_moves_something')],
                },
            ),
            migrations.CreateModel(
                name='StationCheck',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('station', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='checks', to='community.station')),
                    ('at', models.DateTimeField()),
                    ('by', models.CharField(max_length=150)),
                    ('defects', models.JSONField(default=list)),
                    ('note', models.CharField(blank=True, max_length=300, verbose_name='说明')),
                ],
                options={
                    'ordering': ['-id'],
                },
            ),
            migrations.CreateModel(
                name='StationDay',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('station', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='community.station')),
                    ('day', models.DateField()),
                    ('visits', models.PositiveIntegerField(default=0)),
                ],
                options={
                    'ordering': ['-day'],
                    'constraints': [models.UniqueConstraint(fields=('station', 'day'), name='station_day_once')],
                },
            ),
        ]),
    ]
