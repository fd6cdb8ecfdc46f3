using System;
using System.Collections.Generic;
using System.Globalization;

namespace Deterministic.SystemTests.Deploy;

/// <summary>Fields of the Kubernetes objects that the manifests use, from the reference of the API (1.30). Each type is
/// a list of `name:type`; an exclamation mark says that the field is required, brackets that it is a list. Fields that
/// are not here are refused, so one that is misspelled is.</summary>
internal static class KubernetesSchema
{
    private const string Container =
        "name!:text image!:text command:[text] args:[text] env:[Variable] ports:[ContainerPort] " +
        "readinessProbe:Probe livenessProbe:Probe startupProbe:Probe resources:Resources " +
        "volumeMounts:[Mount] securityContext:ContainerSecurity imagePullPolicy:text";

    private static readonly SortedDictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["ConfigMap"] = "apiVersion!:v1 kind!:text metadata!:Metadata data:texts immutable:bool",
        ["Service"] = "apiVersion!:v1 kind!:text metadata!:Metadata spec!:ServiceSpec",
        ["PodDisruptionBudget"] = "apiVersion!:policy/v1 kind!:text metadata!:Metadata spec!:BudgetSpec",
        ["StatefulSet"] = "apiVersion!:apps/v1 kind!:text metadata!:Metadata spec!:SetSpec",
        ["Metadata"] = "name!:text namespace:text labels:texts annotations:texts",
        ["TemplateMetadata"] = "labels!:texts annotations:texts",
        ["ServiceSpec"] = "clusterIP:text publishNotReadyAddresses:bool selector!:texts ports!:[ServicePort] type:text",
        ["ServicePort"] = "name:text port!:int targetPort:text protocol:text",
        ["BudgetSpec"] = "maxUnavailable:int minAvailable:int selector!:Selector",
        ["Selector"] = "matchLabels!:texts",
        ["SetSpec"] = "serviceName!:text replicas:int podManagementPolicy:text minReadySeconds:int " +
            "updateStrategy:UpdateStrategy selector!:Selector template!:Template volumeClaimTemplates:[Claim] " +
            "revisionHistoryLimit:int",
        ["UpdateStrategy"] = "type!:text",
        ["Template"] = "metadata!:TemplateMetadata spec!:PodSpec",
        ["PodSpec"] = "terminationGracePeriodSeconds:int automountServiceAccountToken:bool serviceAccountName:text " +
            "securityContext:PodSecurity affinity:Affinity initContainers:[Container] containers!:[Container] " +
            "volumes:[Volume]",
        ["PodSecurity"] = "runAsNonRoot:bool runAsUser:int runAsGroup:int fsGroup:int seccompProfile:Seccomp",
        ["Seccomp"] = "type!:text",
        ["Affinity"] = "podAntiAffinity:AntiAffinity",
        ["AntiAffinity"] = "requiredDuringSchedulingIgnoredDuringExecution:[AffinityTerm]",
        ["AffinityTerm"] = "topologyKey!:text labelSelector!:Selector",
        ["Container"] = Container,
        ["Variable"] = "name!:text value:text valueFrom:VariableSource",
        ["VariableSource"] = "fieldRef:FieldReference configMapKeyRef:KeyReference secretKeyRef:KeyReference",
        ["FieldReference"] = "fieldPath!:text",
        ["KeyReference"] = "name!:text key!:text optional:bool",
        ["ContainerPort"] = "name:text containerPort!:int protocol:text",
        ["Probe"] = "tcpSocket:Socket periodSeconds:int timeoutSeconds:int failureThreshold:int " +
            "initialDelaySeconds:int",
        ["Socket"] = "port!:text",
        ["Resources"] = "requests:texts limits:texts",
        ["Mount"] = "name!:text mountPath!:text readOnly:bool subPath:text",
        ["ContainerSecurity"] = "allowPrivilegeEscalation:bool readOnlyRootFilesystem:bool capabilities:Capabilities",
        ["Capabilities"] = "drop:[text] add:[text]",
        ["Volume"] = "name!:text secret:SecretVolume emptyDir:EmptyDirectory",
        ["SecretVolume"] = "secretName!:text defaultMode:int",
        ["EmptyDirectory"] = "medium:text sizeLimit:text",
        ["Claim"] = "metadata!:Metadata spec!:ClaimSpec",
        ["ClaimSpec"] = "accessModes!:[text] resources!:Resources storageClassName:text",
    };

    /// <summary>What is wrong with an object; its `kind` says what it has to be.</summary>
    public static List<string> Check(SortedDictionary<string, object> manifest)
    {
        List<string> problems = [];
        if (!manifest.TryGetValue("kind", out object? kind) || !Types.ContainsKey((string)kind))
            problems.Add($"kind {kind} is not known");
        else CheckFields((string)kind, manifest, (string)kind, problems);
        return problems;
    }

    private static void CheckFields(
        string type, SortedDictionary<string, object> map, string path, List<string> problems)
    {
        SortedDictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach (string field in Types[type].Split(' '))
        {
            int colon = field.IndexOf(':', StringComparison.Ordinal);
            string name = field[..colon].TrimEnd('!');
            fields.Add(name, field[(colon + 1)..]);
            if (field[colon - 1] == '!' && !map.ContainsKey(name)) problems.Add($"{path}: {name} is missing");
        }
        foreach ((string name, object value) in map)
        {
            if (fields.TryGetValue(name, out string? wanted)) CheckValue(wanted, value, $"{path}.{name}", problems);
            else problems.Add($"{path}: {name} is not a field of {type}");
        }
    }

    private static void CheckValue(string type, object value, string path, List<string> problems)
    {
        if (type[0] == '[')
        {
            if (value is not List<object> items) problems.Add($"{path} is not a list");
            else foreach (object item in items) CheckValue(type[1..^1], item, path, problems);
        }
        else if (Types.ContainsKey(type))
        {
            if (value is SortedDictionary<string, object> map) CheckFields(type, map, path, problems);
            else problems.Add($"{path} is not a {type}");
        }
        else if (type == "texts")
        {
            if (value is not SortedDictionary<string, object> texts) problems.Add($"{path} is not a map");
            else foreach ((string name, object text) in texts) CheckValue("text", text, $"{path}.{name}", problems);
        }
        else if (!IsScalar(type, value as string))
        {
            problems.Add($"{path} is not {type}: {value}");
        }
    }

    private static bool IsScalar(string type, string? text) => text is not null && type switch
    {
        "int" => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _),
        "bool" => text is "true" or "false",
        // A plain number or truth value would arrive as one where the API wants a text.
        "text" => !double.TryParse(text, CultureInfo.InvariantCulture, out _) && text is not ("true" or "false" or ""),
        _ => text == type,
    };
}
