{{/* The two labels that select the pods of a part. Arguments: root, name. */}}
{{- define "delivery.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* All labels of an object. Arguments: root, name, component. */}}
{{- define "delivery.labels" -}}
{{ include "delivery.selector" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: delivery
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* An image of ours. Tolerates an empty registry. Arguments: root, name. */}}
{{- define "delivery.image" -}}
{{- with .root.Values.image.registry }}{{ . }}/{{ end }}{{ .name }}:{{ .root.Values.image.tag }}
{{- end }}

{{/* The user is named here and not left to the image, so that volumes and other images for the same pod agree on it. */}}
{{- define "delivery.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "delivery.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end }}

{{/*
A service that speaks HTTP: account, Deployment, Service, disruption budget.
Arguments: root, name, env (a list as YAML text), checksum (changes when its Secret does).
*/}}
{{- define "delivery.service" -}}
{{- $values := index .root.Values.services .name -}}
{{- $labels := dict "root" .root "name" .name "component" "backend" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels: {{- include "delivery.labels" $labels | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- include "delivery.labels" $labels | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels: {{- include "delivery.selector" . | nindent 6 }}
  strategy:
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  template:
    metadata:
      labels:
        {{- include "delivery.labels" $labels | nindent 8 }}
        {{- with .root.Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      annotations:
        checksum/settings: {{ .checksum | quote }}
        {{- with .root.Values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add .root.Values.preStopSeconds 8 }}
      securityContext: {{- include "delivery.podSecurity" . | nindent 8 }}
      containers:
        - name: {{ .name }}
          image: {{ include "delivery.image" . }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: PORT
              value: "8080"
            - name: LOG_LEVEL
              value: {{ $values.logLevel | default "info" }}
            {{- with .root.Values.propagateHeaders }}
            - name: PROPAGATE_HEADERS
              value: {{ . | quote }}
            {{- end }}
            {{- .env | nindent 12 }}
          # No probe asks for a store: a store that is away must not take every replica out at once.
          readinessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 1
            failureThreshold: 2
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            # Longer than the services wait for their store at start.
            initialDelaySeconds: 70
            periodSeconds: 10
            failureThreshold: 3
          lifecycle:
            preStop:
              sleep: {seconds: {{ .root.Values.preStopSeconds }}}
          securityContext: {{- include "delivery.containerSecurity" . | nindent 12 }}
          {{- with $values.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- include "delivery.labels" $labels | nindent 4 }}
spec:
  selector: {{- include "delivery.selector" . | nindent 4 }}
  ports:
    - name: http
      port: 80
      targetPort: http
      appProtocol: http
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  labels: {{- include "delivery.labels" $labels | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "delivery.selector" . | nindent 6 }}
{{- end }}

{{/* What a store claims. Arguments: root, size. */}}
{{- define "delivery.claimSpec" -}}
accessModes: [ReadWriteOnce]
{{- with .root.Values.stores.storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end }}
