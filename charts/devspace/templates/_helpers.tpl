{{/* Labels of every object of the chart. */}}
{{- define "devspace.labels" -}}
app.kubernetes.io/name: devspace
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What the controller's pods are found by. */}}
{{- define "devspace.controllerSelector" -}}
app.kubernetes.io/name: devspace
app.kubernetes.io/component: controller
{{- end }}

{{/* The controller as the API server names it. */}}
{{- define "devspace.controllerUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:devspace-controller
{{- end }}

{{/* The container of the controller and of the uninstall job: image, settings, security. */}}
{{- define "devspace.container" -}}
image: {{ .Values.image.registry }}/devspace-controller:{{ .Values.image.tag }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: POD_NAMESPACE
    valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
  - name: POD_NAME
    valueFrom: { fieldRef: { fieldPath: metadata.name } }
  - name: RUST_LOG
    value: {{ .Values.controller.log | quote }}
  - name: DEVSPACE_PROXY_IMAGE
    value: {{ .Values.image.registry }}/devspace-proxy:{{ .Values.image.tag }}
  - name: DEVSPACE_AGENT_IMAGE
    value: {{ .Values.image.registry }}/devspace-agent:{{ .Values.image.tag }}
  - name: DEVSPACE_IMAGE_PULL_POLICY
    value: {{ .Values.image.pullPolicy }}
  - name: DEVSPACE_RESTORE_AFTER_SECONDS
    value: {{ .Values.router.restoreAfterSeconds | quote }}
  {{- $class := .Values.priorityClass.create | ternary .Values.priorityClass.name .Values.router.priorityClassName }}
  {{- with $class }}
  - name: DEVSPACE_ROUTER_PRIORITY_CLASS
    value: {{ . }}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
resources:
  {{- toYaml .Values.controller.resources | nindent 2 }}
{{- end }}

{{/* What the pods of the controller and of the uninstall job have in common. */}}
{{- define "devspace.pod" -}}
serviceAccountName: devspace-controller
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end }}
