{{- define "techpass.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- define "techpass.labels" -}}
app.kubernetes.io/name: techpass
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "techpass.selector" -}}
app.kubernetes.io/name: techpass
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
