// Objects of Kubernetes as rules look at them: only the fields that some rule reads. Whether an object has them rightly is what
// its schema says.

/** Labels, annotations and selectors. */
export type Labels = Readonly<Record<string, string>>

/** An object of any kind. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Spec
  readonly automountServiceAccountToken?: boolean
}

/** What objects of different kinds have in `spec`. */
export interface Spec {
  readonly replicas?: number
  readonly strategy?: {
    readonly rollingUpdate?: { readonly maxUnavailable?: number | string; readonly maxSurge?: number | string }
  }
  readonly selector?: { readonly matchLabels?: Labels } & Labels
  readonly template?: { readonly metadata?: { readonly labels?: Labels }; readonly spec: PodSpec }
  readonly maxUnavailable?: number | string
  readonly podSelector?: { readonly matchLabels?: Labels }
  readonly policyTypes?: readonly string[]
  readonly ingress?: readonly TrafficRule[]
  readonly egress?: readonly TrafficRule[]
  readonly scaleTargetRef?: { readonly name: string }
  readonly minReplicaCount?: number
  readonly maxReplicaCount?: number
  readonly minReplicas?: number
  readonly maxReplicas?: number
  readonly triggers?: readonly Trigger[]
  readonly secretTargetRef?: readonly { readonly name: string; readonly key: string }[]
  readonly metrics?: readonly { readonly external?: { readonly metric: { readonly name: string } } }[]
  readonly topicName?: string
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string | number>>
}

/** One trigger of a ScaledObject. */
export interface Trigger {
  readonly type: string
  readonly metadata: Readonly<Record<string, string>>
  readonly authenticationRef?: { readonly name: string }
}

/** One rule of a NetworkPolicy. */
export interface TrafficRule {
  readonly ports?: readonly { readonly port?: number | string }[]
  readonly to?: readonly Peer[]
  readonly from?: readonly Peer[]
}

/** Who is talked to. */
export interface Peer {
  readonly podSelector?: { readonly matchLabels?: Labels }
  readonly namespaceSelector?: { readonly matchLabels?: Labels }
  readonly ipBlock?: { readonly cidr: string }
}

/** A pod. */
export interface PodSpec {
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly hostNetwork?: boolean
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
  readonly securityContext?: SecurityContext
  readonly topologySpreadConstraints?: readonly {
    readonly topologyKey: string
    readonly labelSelector?: { readonly matchLabels?: Labels }
  }[]
  readonly containers: readonly Container[]
  readonly volumes?: readonly Volume[]
}

/** Of a pod or of a container. */
export interface SecurityContext {
  readonly runAsNonRoot?: boolean
  readonly runAsUser?: number
  readonly privileged?: boolean
  readonly allowPrivilegeEscalation?: boolean
  readonly readOnlyRootFilesystem?: boolean
  readonly seccompProfile?: { readonly type?: string }
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] }
}

/** A container. */
export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly {
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string } }
  }[]
  readonly envFrom?: readonly {
    readonly configMapRef?: { readonly name: string }
    readonly secretRef?: { readonly name: string }
  }[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly resources?: { readonly requests?: Labels; readonly limits?: Labels }
  readonly securityContext?: SecurityContext
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

/** A probe. */
export interface Probe {
  readonly httpGet?: { readonly path?: string; readonly port?: number | string }
}

/** A volume. */
export interface Volume {
  readonly name: string
  readonly emptyDir?: object
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string; readonly items?: readonly KeyItem[] }
  readonly projected?: {
    readonly sources: readonly {
      readonly secret?: { readonly name: string; readonly items?: readonly KeyItem[] }
      readonly configMap?: { readonly name: string; readonly items?: readonly KeyItem[] }
    }[]
  }
}

/** A key of a Secret or ConfigMap, and the file that it becomes. */
export interface KeyItem {
  readonly key: string
  readonly path: string
}

/** Something that makes pods, with the pod that it makes. */
export interface Workload {
  readonly manifest: Manifest
  /** Such as `Deployment errand-worker`. */
  readonly title: string
  readonly labels: Labels
  readonly pod: PodSpec
  /** Of Errand's image; else a server that somebody else made. */
  readonly isErrand: boolean
}

/** All that makes pods. */
export function workloadsOf(objects: readonly Manifest[]): Workload[] {
  return objects.flatMap(manifest => {
    const { template } = manifest.spec ?? {}
    if (template === undefined) return []
    const labels = template.metadata?.labels ?? {}
    const isErrand = labels['app.kubernetes.io/part-of'] === 'errand'
    return [{ manifest, title: titleOf(manifest), labels, pod: template.spec, isErrand }]
  })
}

/** All of one kind. */
export function ofKind(objects: readonly Manifest[], kind: string): Manifest[] {
  return objects.filter(object => object.kind === kind)
}

/** How findings call an object. */
export function titleOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`
}

/** Whether a selector's labels are all among those of a pod. An empty selector selects everything. */
export function selects(selector: Labels | undefined, labels: Labels): boolean {
  return Object.entries(selector ?? {}).every(([name, value]) => labels[name] === value)
}
