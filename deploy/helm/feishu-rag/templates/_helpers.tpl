{{- define "feishu-rag.name" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "feishu-rag.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "feishu-rag.labels" -}}
{{ include "feishu-rag.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "feishu-rag.secret" -}}
{{- default (include "feishu-rag.name" .) .Values.secret.existingSecret -}}
{{- end -}}

{{- define "feishu-rag.claim" -}}
{{- default (include "feishu-rag.name" .) .Values.persistence.existingClaim -}}
{{- end -}}

{{/* What cannot work is refused before anything is installed. */}}
{{- define "feishu-rag.checks" -}}
{{- $given := .Values.secret.values -}}
{{- if and (gt (int .Values.replicas) 1) (eq .Values.database "sqlite") -}}
{{- fail "replicas: more than one needs database: postgresql; a second process on one SQLite file does not start" -}}
{{- end -}}
{{- if and (eq .Values.database "sqlite") (not .Values.persistence.enabled) -}}
{{- fail "persistence.enabled: the SQLite file would be lost with its pod; enable it, or use database: postgresql" -}}
{{- end -}}
{{- if not .Values.secret.existingSecret -}}
{{- $wanted := list "FEISHU__APP_ID" "FEISHU__APP_SECRET" -}}
{{- if eq .Values.transport "webhook" -}}{{- $wanted = concat $wanted (list "FEISHU__ENCRYPT_KEY" "FEISHU__VERIFICATION_TOKEN") -}}{{- end -}}
{{- if eq .Values.database "postgresql" -}}{{- $wanted = append $wanted "BOT__DATABASE_URL" -}}{{- end -}}
{{- if .Values.web.enabled -}}{{- $wanted = append $wanted "BOT__API_KEYS" -}}{{- end -}}
{{- range $wanted -}}
{{- if not (index $given .) -}}
{{- fail (printf "secret.values.%s is not set (or name a Secret of yours in secret.existingSecret)" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- if not .Values.ingress.host -}}{{- fail "ingress.host is not set" -}}{{- end -}}
{{- if ne .Values.transport "webhook" -}}{{- fail "ingress.enabled: the long connection (transport: websocket) needs no way in" -}}{{- end -}}
{{- end -}}
{{- if .Values.serviceMonitor.enabled -}}
{{- if not .Values.web.enabled -}}{{- fail "serviceMonitor.enabled: /metrics is behind the web door; set web.enabled" -}}{{- end -}}
{{- if not .Values.serviceMonitor.keySecret -}}{{- fail "serviceMonitor.keySecret: /metrics wants an API key" -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the bot's containers share: environment, files, and rights. */}}
{{- define "feishu-rag.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
workingDir: /srv/feishu-rag
envFrom:
  - secretRef:
      name: {{ include "feishu-rag.secret" . }}
env:
  - name: FEISHU__TRANSPORT
    value: {{ .Values.transport }}
  - name: BOT__HOST
    value: 0.0.0.0
  - name: BOT__PORT
    value: "8000"
  - name: BOT__WEB_HOST
    value: {{ ternary "0.0.0.0" "127.0.0.1" .Values.web.enabled }}
  - name: BOT__WEB_PORT
    value: "8001"
  - name: BOT__LOG_FORMAT
    value: json
  - name: RAG__INDEX_DIR
    value: /srv/feishu-rag/data/index
  {{- if eq .Values.database "sqlite" }}
  - name: BOT__DATABASE_URL
    value: sqlite:////srv/feishu-rag/data/bot.db
  {{- end }}
  - name: HF_HOME
    value: /srv/feishu-rag/data/models
  {{- with .Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
volumeMounts:
  - name: config
    mountPath: /srv/feishu-rag/config.yaml
    subPath: config.yaml
    readOnly: true
  - name: data
    mountPath: /srv/feishu-rag/data
  - name: tmp
    mountPath: /tmp
  {{- if .Values.documents.existingClaim }}
  - name: documents
    mountPath: /srv/feishu-rag/knowledge
    readOnly: true
  {{- end }}
{{- end -}}

{{- define "feishu-rag.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.serviceAccount.name }}
serviceAccountName: {{ . }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "feishu-rag.name" . }}
  - name: data
    {{- if .Values.persistence.enabled }}
    persistentVolumeClaim:
      claimName: {{ include "feishu-rag.claim" . }}
    {{- else }}
    emptyDir: {}
    {{- end }}
  - name: tmp
    emptyDir: {}
  {{- with .Values.documents.existingClaim }}
  - name: documents
    persistentVolumeClaim:
      claimName: {{ . }}
      readOnly: true
  {{- end }}
{{- end -}}
