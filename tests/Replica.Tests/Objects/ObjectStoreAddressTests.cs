using System;
using System.IO;
using Deterministic.Replica.Io;
using Deterministic.Replica.Objects;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

public sealed class ObjectStoreAddressTests
{
    [Theory]
    [InlineData("dir:/var/lib/objects", "/var/lib/objects")]
    [InlineData("dir:relative", "relative")]
    [InlineData("dir:with?mark", "with?mark")]
    public void AFolder(string text, string path) => Assert.Equal(path, Parse(text).Path);

    [Fact]
    public void ABucketOfAmazon()
    {
        S3Settings settings = Parse("s3://my-bucket").S3!;
        Assert.Equal("my-bucket", settings.Bucket);
        Assert.Equal("", settings.Prefix);
        Assert.Null(settings.Endpoint);
        Assert.Null(settings.Region);
        Assert.False(settings.PathStyle);
        Assert.Equal("a/B-2/", Parse("s3://my-bucket/a/B-2/").S3!.Prefix);
        Assert.Equal("eu-central-1", Parse("s3://my-bucket?region=eu-central-1").S3!.Region);
    }

    [Fact]
    public void APlaceBelow()
    {
        ObjectStoreAddress folder = Parse("dir:/backup/objects/").Under("replica-1");
        Assert.Equal("dir:/backup/objects/replica-1", folder.ToString());
        Assert.Equal("/backup/objects/replica-1", folder.Path);
        ObjectStoreAddress bucket = Parse("s3://my-bucket/p?region=here").Under("replica-1");
        Assert.Equal("s3://my-bucket/p/replica-1?region=here", bucket.ToString());
        Assert.Equal("p/replica-1/", bucket.S3!.Prefix);
        Assert.Equal("replica-1/", Parse("s3://my-bucket").Under("replica-1").S3!.Prefix);
    }

    [Fact]
    public void ABucketOfAnotherServer()
    {
        S3Settings settings = Parse("s3://my-bucket/p?endpoint=http://127.0.0.1:9000&region=here").S3!;
        Assert.Equal(new Uri("http://127.0.0.1:9000"), settings.Endpoint);
        Assert.Equal("here", settings.Region);
        Assert.True(settings.PathStyle);
        Assert.False(Parse("s3://my-bucket?endpoint=https://host&path-style=false").S3!.PathStyle);
    }

    [Theory]
    [InlineData("", "is not the address of an object store; write dir:PATH or s3://BUCKET/PREFIX[")]
    [InlineData("/var/lib", "is not the address of an object store")]
    [InlineData("S3://bucket", "is not the address of an object store")]
    [InlineData("dir:", "names no folder")]
    [InlineData("s3://", "\"\" cannot be a bucket's name")]
    [InlineData("s3://ab", "\"ab\" cannot be a bucket's name")]
    [InlineData("s3://Bucket", "\"Bucket\" cannot be a bucket's name")]
    [InlineData("s3://-bucket", "\"-bucket\" cannot be a bucket's name")]
    [InlineData("s3://user:secret@bucket", "cannot be a bucket's name")]
    [InlineData("s3://bucket//a", "\"/a\" cannot be a prefix")]
    [InlineData("s3://bucket/../a", "\"../a\" cannot be a prefix")]
    [InlineData("s3://bucket/a b", "\"a b\" cannot be a prefix")]
    [InlineData("s3://bucket?endpoint=127.0.0.1:9000", "endpoint \"127.0.0.1:9000\" is not like http://HOST:PORT")]
    [InlineData("s3://bucket?endpoint=ftp://host", "endpoint \"ftp://host\" is not like")]
    [InlineData("s3://bucket?endpoint=http://host/path", "endpoint \"http://host/path\" is not like")]
    [InlineData("s3://bucket?endpoint=", "endpoint \"\" is not like")]
    [InlineData("s3://bucket?region=", "region \"\" is not like eu-central-1")]
    [InlineData("s3://bucket?region=EU", "region \"EU\" is not like eu-central-1")]
    [InlineData("s3://bucket?path-style", "path-style is true or false, not \"\"")]
    [InlineData("s3://bucket?path-style=yes", "path-style is true or false, not \"yes\"")]
    [InlineData("s3://bucket?region=a&region=b", "region is given twice")]
    [InlineData("s3://bucket?key=secret", "there is no option \"key\"; there are endpoint, region and path-style")]
    public void WhatIsNoAddressIsToldSo(string text, string expected)
    {
        Assert.Null(ObjectStoreAddress.TryParse(text, out string error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAddressOpensItsStore()
    {
        S3Server.UseSomeCredentials();
        string folder = Directory.CreateTempSubdirectory("address-").FullName;
        using WakeSignal wake = new();
        using (ThreadedObjectStore? directory = Parse($"dir:{folder}/new/store").TryOpen(wake, out _))
            Assert.IsType<DirectoryObjectStore>(directory);
        using (ThreadedObjectStore? s3 = Parse("s3://bucket?endpoint=http://127.0.0.1:1").TryOpen(wake, out _))
            Assert.IsType<S3ObjectStore>(s3);
        Directory.Delete(folder, recursive: true);
    }

    private static ObjectStoreAddress Parse(string text)
    {
        ObjectStoreAddress? address = ObjectStoreAddress.TryParse(text, out string error);
        Assert.True(address is not null, error);
        Assert.Equal(text, address.ToString());
        return address;
    }
}
