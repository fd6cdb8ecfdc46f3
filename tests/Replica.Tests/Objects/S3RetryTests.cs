using System;
using System.Collections.Generic;
using System.Net;
using Deterministic.Core.Objects;
using Deterministic.Replica.Objects;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>What the store makes of servers that are slow, busy, broken or gone.</summary>
public sealed class S3RetryTests
{
    private const int AttemptsMax = 4;
    private static readonly ObjectTag SomeTag = new("\"e\""u8);

    public S3RetryTests() => S3Server.UseSomeCredentials();

    /// <summary>Patient, but with a server that never answers.</summary>
    private static ObjectClient Open(string endpoint, string answer = "") =>
        S3Server.Open(S3Server.Settings(endpoint) with
        {
            AttemptsMax = AttemptsMax, BackoffMin = TimeSpan.FromMilliseconds(1),
            RequestTimeout = TimeSpan.FromSeconds(answer == ScriptedS3Server.Silence ? 1 : 60),
        });

    [Fact]
    public void ABusyServerIsAskedAgainUntilItHasTime()
    {
        string slow = ScriptedS3Server.Error(503, "SlowDown");
        using ScriptedS3Server server = new(slow, slow, ScriptedS3Server.Ok);
        using ObjectClient client = Open(server.Endpoint);
        Assert.Equal(ObjectStatus.Ok, client.Put("key", "x", PutCondition.IfAbsent).Status);
        Assert.Equal(3, server.Requests);
    }

    [Fact]
    public void AServerThatStaysBusyIsSaidToThrottle()
    {
        using ScriptedS3Server server = new(ScriptedS3Server.Error(503, "SlowDown"));
        using ObjectClient client = Open(server.Endpoint);
        Assert.Equal(ObjectStatus.Throttled, client.Put("key", "x").Status);
        Assert.Equal(AttemptsMax, server.Requests);
        Assert.Equal((1, 1), ((ThreadedWorld)client.World).Counts);
    }

    [Theory]
    [InlineData(ScriptedS3Server.HangUp)]
    [InlineData(ScriptedS3Server.Silence)]
    [InlineData("what is HTTP?\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Len")]
    public void WhatCanBeDoneTwiceIsSentAgainAfterNoUsableAnswer(string answer)
    {
        using ScriptedS3Server server = new(answer, answer, ScriptedS3Server.Ok);
        using ObjectClient client = Open(server.Endpoint, answer);
        Assert.Equal(ObjectStatus.Ok, client.Put("key", "x").Status);
        Assert.Equal(3, server.Requests);
    }

    [Theory]
    [InlineData(ScriptedS3Server.HangUp)]
    [InlineData(ScriptedS3Server.Silence)]
    [InlineData("what is HTTP?\r\n\r\n")]
    public void APutOnConditionIsSentOnceAndItsEndIsUnknown(string answer)
    {
        using ScriptedS3Server server = new(answer, ScriptedS3Server.Ok);
        using ObjectClient client = Open(server.Endpoint, answer);
        Assert.Equal(ObjectStatus.Unknown, client.Put("key", "x", PutCondition.IfMatch, SomeTag).Status);
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public void AnErrorOfTheServerIsUnknownAndARefusalHasItsReason()
    {
        using ScriptedS3Server server = new(
            ScriptedS3Server.Error(500, "InternalError"), ScriptedS3Server.Error(403, "AccessDenied"));
        using ObjectClient client = Open(server.Endpoint);
        Assert.Equal(ObjectStatus.Unknown, client.Put("key", "x", PutCondition.IfAbsent).Status);
        Assert.Equal(ObjectStatus.Refused, client.Put("key", "x").Status);
        string error = ((ThreadedWorld)client.World).Error;
        Assert.StartsWith("s3://deterministic-tests: Put: 403 AccessDenied: scripted", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAnswerThatBreaksOffIsNotTakenForTheObject()
    {
        const string Half = "HTTP/1.1 206 Partial\r\nETag: \"e\"\r\nContent-Range: bytes 0-9/10\r\n" +
            "Content-Length: 10\r\nConnection: close\r\n\r\n01234";
        using ScriptedS3Server server = new(Half, Half + "56789");
        using ObjectClient client = Open(server.Endpoint);
        Assert.Equal(ObjectStatus.Ok, client.Get("key", out byte[] content).Status);
        Assert.Equal("0123456789"u8, content);
    }

    [Fact]
    public void AServerThatKnowsNoRangesIsRefused()
    {
        using ScriptedS3Server server = new(
            "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole");
        using ObjectClient client = Open(server.Endpoint);
        Assert.Equal(ObjectStatus.Refused, client.Get("key", out _, offset: 2).Status);
    }

    [Fact]
    public void APageOfForeignNamesIsNotTheEndOfAListing()
    {
        using ScriptedS3Server server = new(Page("README", true), Page("known", false), Page("", false));
        using ObjectClient client = Open(server.Endpoint);
        List<string> keys = [];
        Assert.Equal(ObjectStatus.Ok, client.List("", "", 1000, keys));
        Assert.Equal(["known"], keys);
        Assert.Equal(2, server.Requests);

        static string Page(string key, bool more)
        {
            string body = "<?xml version=\"1.0\"?><ListBucketResult>" +
                $"<IsTruncated>{(more ? "true" : "false")}</IsTruncated>" +
                $"<Contents><Key>{key}</Key><Size>1</Size></Contents></ListBucketResult>";
            return "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n" +
                $"Content-Length: {body.Length}\r\n\r\n{body}";
        }
    }

    [Fact]
    public void NobodyThereIsUnknownEvenOnCondition()
    {
        ScriptedS3Server gone = new(ScriptedS3Server.Ok);
        string endpoint = gone.Endpoint;
        gone.Dispose();
        using ObjectClient client = Open(endpoint);
        Assert.Equal(ObjectStatus.Unknown, client.Put("key", "x", PutCondition.IfAbsent).Status);
        Assert.Equal(ObjectStatus.Unknown, client.Delete("key"));
    }

    [Fact]
    public void AStoreIsClosedInTheMiddleOfARequest()
    {
        using ScriptedS3Server server = new(ScriptedS3Server.Silence);
        ObjectClient client = S3Server.Open(S3Server.Settings(server.Endpoint));
        client.Store.Delete(1, ObjectClient.Key("key"));
        client.Dispose();
        Assert.InRange(server.Requests, 0, 1);
    }

    [Theory]
    [InlineData(404, "NoSuchKey", ObjectStatus.NotFound)]
    [InlineData(404, "", ObjectStatus.NotFound)]
    [InlineData(404, "NoSuchUpload", ObjectStatus.NotFound)]
    [InlineData(404, "NoSuchBucket", ObjectStatus.Refused)]
    [InlineData(412, "PreconditionFailed", ObjectStatus.ConditionFailed)]
    [InlineData(409, "ConditionalRequestConflict", ObjectStatus.ConditionFailed)]
    [InlineData(503, "SlowDown", ObjectStatus.Throttled)]
    [InlineData(503, "", ObjectStatus.Throttled)]
    [InlineData(429, "TooManyRequests", ObjectStatus.Throttled)]
    [InlineData(400, "RequestTimeout", ObjectStatus.Unknown)]
    [InlineData(400, "EntityTooLarge", ObjectStatus.TooLarge)]
    [InlineData(400, "InvalidPart", ObjectStatus.NotFound)]
    [InlineData(400, "InvalidArgument", ObjectStatus.Refused)]
    [InlineData(500, "InternalError", ObjectStatus.Unknown)]
    [InlineData(502, "", ObjectStatus.Unknown)]
    [InlineData(504, "", ObjectStatus.Unknown)]
    [InlineData(501, "NotImplemented", ObjectStatus.Refused)]
    [InlineData(403, "InvalidAccessKeyId", ObjectStatus.Refused)]
    [InlineData(301, "PermanentRedirect", ObjectStatus.Refused)]
    public void AnswersOfServersHaveAMeaning(int status, string code, ObjectStatus expected) =>
        Assert.Equal(expected, S3Failure.StatusOf((HttpStatusCode)status, code));
}
