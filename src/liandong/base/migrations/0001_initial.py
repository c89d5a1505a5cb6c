import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from liandong.base.table_creation import CreateTables


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='AuditCheck',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('by', models.CharField(max_length=150, verbose_name='由谁')),
                    ('started_at', models.DateTimeField(verbose_name='开始')),
                    ('beat_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('total', models.PositiveBigIntegerField(default=0)),
                    ('checked', models.PositiveBigIntegerField(default=0)),
                    ('faults', models.PositiveIntegerField(default=0)),
                    ('found', models.JSONField(default=list)),
                ],
                options={
                    'ordering': ['-id'],
                },
            ),
            migrations.CreateModel(
                name='AuditRow',
                fields=[
                    ('number', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                    ('at', models.DateTimeField(verbose_name='时间')),
                    ('by', models.CharField(max_length=150, verbose_name='何人')),
                    ('roles', models.TextField(blank=True, verbose_name='身份')),
                    ('unit', models.CharField(blank=True, max_length=32, verbose_name='机构')),
                    ('act', models.CharField(max_length=40, verbose_name='行为')),
                    ('object', models.CharField(blank=True, max_length=200, verbose_name='对象')),
                    ('outcome', models.CharField(choices=[('done', '完成'), ('refused', '被拒绝'), ('failed', '失败')], max_length=8, verbose_name='结果')),
                    ('why', models.CharField(blank=True, max_length=500, verbose_name='事由')),
                    ('origin', models.CharField(blank=True, max_length=64, verbose_name='来源')),
                    ('request', models.CharField(blank=True, max_length=64, verbose_name='请求编号')),
                    ('facts', models.TextField(blank=True)),
                    ('cells', models.CharField(max_length=88)),
                    ('previous', models.CharField(max_length=72)),
                    ('mac', models.CharField(max_length=73)),
                    ('hash', models.CharField(max_length=72)),
                ],
                options={
                    'ordering': ['number'],
                    'indexes': [models.Index(fields=['object', 'number'], name='audit_by_object'), models.Index(fields=['by', 'number'], name='audit_by_person'), models.Index(fields=['act', 'number'], name='audit_by_act'), models.Index(fields=['at'], name='audit_by_time'), models.Index(fields=['unit', 'number'], name='audit_by_unit'), models.Index(fields=['request'], name='audit_by_request'), models.Index(condition=models.Q(('outcome', 'done'), _negated=True), fields=['outcome', 'number'], name='audit_not_done')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('outcome__in', ['done', 'refused', 'failed'])), name='audit_outcome_known')],
                },
            ),
            migrations.CreateModel(
                name='AuditSeal',
                fields=[
                    ('number', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                    ('day', models.DateField(verbose_name='日期')),
                    ('at', models.DateTimeField(verbose_name='时间')),
                    ('first', models.PositiveBigIntegerField(unique=True)),
                    ('last', models.PositiveBigIntegerField(unique=True)),
                    ('last_hash', models.CharField(max_length=72)),
                    ('root', models.CharField(max_length=72)),
                    ('faults', models.PositiveIntegerField(default=0)),
                    ('previous', models.CharField(max_length=72)),
                    ('mac', models.CharField(max_length=73)),
                    ('hash', models.CharField(max_length=72)),
                    ('signature', models.TextField(blank=True)),
                ],
                options={
                    'ordering': ['number'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('last__gte', models.F('first'))), name='seal_of_some_rows')],
                },
            ),
            migrations.CreateModel(
                name='Throttle',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=80, unique=True)),
                    ('failures', models.PositiveIntegerField(default=0)),
                    ('since', models.DateTimeField()),
                    ('until', models.DateTimeField(blank=True, null=True)),
                ],
            ),
            migrations.CreateModel(
                name='Unit',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.CharField(max_length=32, unique=True, verbose_name='机构代码')),
                    ('name', models.CharField(max_length=200, verbose_name='机构名称')),
                    ('kind', models.CharField(choices=[('department', '部门'), ('enterprise', '企业'), ('chamber', '商会')], default='department', max_length=12, verbose_name='性质')),
                    ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='base.unit')),
                    ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='撤销时间')),
                ],
                options={
                    'ordering': ['code'],
                    'indexes': [models.Index(fields=['kind', 'code'], name='unit_by_kind')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['department', 'enterprise', 'chamber'])), name='unit_kind_known')],
                },
            ),
            migrations.CreateModel(
                name='Account',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                    ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                    ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                    ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                    ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                    ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                    ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                    ('full_name', models.CharField(blank=True, max_length=100, verbose_name='姓名')),
                    ('unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='base.unit')),
                    ('clearance', models.PositiveSmallIntegerField(default=0, verbose_name='可阅密级')),
                    ('officer', models.CharField(blank=True, choices=[('sys_admin', '系统管理员'), ('sec_admin', '安全保密管理员'), ('audit_admin', '安全审计员')], max_length=16, verbose_name='三员')),
                    ('password_set_at', models.DateTimeField(blank=True, null=True, verbose_name='密码设定时间')),
                    ('password_by_other', models.BooleanField(default=False)),
                    ('locked_at', models.DateTimeField(blank=True, null=True, verbose_name='锁定时间')),
                    ('locked_by', models.CharField(blank=True, max_length=150, verbose_name='锁定人')),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ],
                options={
                    'ordering': ['username'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('is_staff', False), ('is_superuser', False)), name='account_no_superuser'), models.CheckConstraint(condition=models.Q(models.Q(('locked_at__isnull', True), ('locked_by', '')), models.Q(('locked_at__isnull', False), models.Q(('locked_by', ''), _negated=True)), _connector='OR'), name='account_locked_at_and_by'), models.CheckConstraint(condition=models.Q(('officer__in', ['', 'sys_admin', 'sec_admin', 'audit_admin'])), name='officer_known'), models.CheckConstraint(condition=models.Q(('officer', ''), ('clearance', 0), _connector='OR'), name='officer_not_cleared')],
                },
                managers=[
                    ('objects', django.contrib.auth.models.UserManager()),
                ],
            ),
            migrations.CreateModel(
                name='Approval',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('act', models.CharField(max_length=40, verbose_name='行为')),
                    ('params', models.JSONField(default=dict)),
                    ('object', models.CharField(blank=True, max_length=200, verbose_name='对象')),
                    ('why', models.CharField(max_length=500, verbose_name='事由')),
                    ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('asked_at', models.DateTimeField(verbose_name='申请时间')),
                    ('until', models.DateTimeField(verbose_name='有效期至')),
                    ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='审批时间')),
                    ('answer', models.CharField(blank=True, max_length=500, verbose_name='审批意见')),
                    ('outcome', models.CharField(choices=[('waiting', '待审批'), ('approved', '已批准待执行'), ('done', '已执行'), ('failed', '未能执行'), ('refused', '未获批准'), ('withdrawn', '已撤回')], default='waiting', max_length=10, verbose_name='结果')),
                ],
                options={
                    'ordering': ['-pk'],
                    'indexes': [models.Index(fields=['outcome', 'until'], name='approval_waiting')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('decided_by', models.F('asked_by')), _negated=True), name='approval_two_people'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('outcome__in', ['waiting', 'withdrawn'])), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('outcome__in', ['approved', 'done', 'failed', 'refused'])), _connector='OR'), name='approval_decided_by_and_at')],
                },
            ),
            migrations.CreateModel(
                name='Notice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
                    ('room', models.CharField(max_length=16)),
                    ('kind', models.CharField(max_length=32)),
                    ('number', models.CharField(max_length=32)),
                    ('path', models.CharField(max_length=200)),
                    ('facts', models.JSONField(default=dict)),
                    ('key', models.CharField(max_length=160)),
                    ('at', models.DateTimeField()),
                    ('seen_at', models.DateTimeField(blank=True, null=True)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(condition=models.Q(('seen_at__isnull', True)), fields=['account', 'id'], name='notice_unseen'), models.Index(fields=['number', 'kind'], name='notice_by_thing')],
                    'constraints': [models.UniqueConstraint(fields=('account', 'key'), name='told_person_once')],
                },
            ),
            migrations.CreateModel(
                name='NoticeChoice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='notice_choice', to=settings.AUTH_USER_MODEL)),
                    ('by_mail', models.BooleanField(default=True, verbose_name='电子邮件')),
                    ('by_sms', models.BooleanField(default=False, verbose_name='短信')),
                    ('phone', models.CharField(blank=True, max_length=20, verbose_name='手机号码')),
                    ('hours', models.CharField(default='9', max_length=71)),
                    ('quiet_until', models.DateField(blank=True, null=True, verbose_name='免打扰到')),
                    ('digest_at', models.DateTimeField(blank=True, null=True)),
                ],
            ),
            migrations.CreateModel(
                name='PasswordBefore',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passwords_before', to=settings.AUTH_USER_MODEL)),
                    ('password', models.CharField(max_length=128)),
                    ('at', models.DateTimeField()),
                ],
                options={
                    'ordering': ['-at', '-pk'],
                },
            ),
            migrations.CreateModel(
                name='Post',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='posts', to=settings.AUTH_USER_MODEL)),
                    ('role', models.CharField(choices=[('clerk', '兼职档案员'), ('archivist', '档案馆员'), ('director', '档案馆负责人'), ('reader', '查档人'), ('desk', '受理员'), ('grid_worker', '网格员'), ('dispatcher', '派遣员'), ('handler', '承办员'), ('inspector', '核查员'), ('leader', '值班领导'), ('ledger_officer', '台账员'), ('enterprise', '企业经办人'), ('chamber', '商会经办人'), ('station', '驿站人员'), ('discipline', '纪检监察员')], max_length=16, verbose_name='角色')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('account', 'role'), name='post_once'), models.CheckConstraint(condition=models.Q(('role__in', ['clerk', 'archivist', 'director', 'reader', 'desk', 'grid_worker', 'dispatcher', 'handler', 'inspector', 'leader', 'ledger_officer', 'enterprise', 'chamber', 'station', 'discipline'])), name='post_role_known')],
                },
            ),
            migrations.CreateModel(
                name='Session',
                fields=[
                    ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                    ('session_data', models.TextField(verbose_name='session data')),
                    ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                    ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
                    ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='登录时间')),
                    ('seen_at', models.DateTimeField(verbose_name='最近使用')),
                    ('origin', models.CharField(blank=True, max_length=64, verbose_name='来源')),
                    ('device', models.CharField(blank=True, max_length=120, verbose_name='设备')),
                ],
                options={
                    'ordering': ['-started_at'],
                },
            ),
        ]),
    ]
