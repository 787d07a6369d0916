// swift-tools-version: 6.2
import PackageDescription

// Modules import only downwards; the order of this file is the order of the house
// (docs/architecture.md). `make build` checks it: a target that imports a module it
// does not list here does not compile.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Rooms that calculate are optimised as a whole in every configuration: one file at a time, no vector
/// operation of another file is inlined, and a debug build would train forty times slower.
let asAWhole = ["-disable-batch-mode", "-wmo", "-num-threads", "2"]

/// A room of the house: `Sources/NAME`.
///
/// - Parameter optimised: a compiler flag for rooms with inner loops, debug builds included. `-Ounchecked`
///   also drops bounds checks and preconditions: not for rooms that read hostile bytes.
func room(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = [],
    optimised: String? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources,
        swiftSettings: strict + (optimised.map { [.unsafeFlags([$0] + asAWhole)] } ?? []))
}

/// The tests of a room: `Tests/NAMETests`.
///
/// `Vectors` are data for other implementations; the tests find them beside their source.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [], vectors: Bool = false
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, exclude: vectors ? ["Vectors"] : [], resources: resources,
        swiftSettings: strict)
}

func library(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let systemLibraries: [Target] = [
    library("CSodium", pkgConfig: "libsodium", apt: "libsodium-dev"),
    library("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
    library("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
    library("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    library("CUV", pkgConfig: "libuv", apt: "libuv1-dev"),
    library("CMicroHTTPD", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev"),
    library("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    library("CMark", pkgConfig: "libcmark", apt: "libcmark-dev"),
    // Of the fuzz targets alone: another reader of CBOR to compare with.
    library("CCBOR", pkgConfig: "libcbor", apt: "libcbor-dev"),
    // What Glibc hides from Swift, and C macros and variadic functions of the libraries above.
    .target(name: "CShims", dependencies: ["COpenSSL", "CMicroHTTPD", "CCurl"]),
    // Hints to the processor that Swift cannot give.
    .target(name: "CHints"),
    // Yardsticks for `shoal bench`.
    .target(name: "CPlain"),
    // The page of a node, and the bundled data of `shoal demo`, embedded by the C compiler.
    .target(name: "Dashboard", exclude: ["dashboard.html"]),
    .target(name: "DemoData", exclude: ["umls-shared3", "README.md"]),
]

// The same kernel sources, built once per instruction set and chosen at run time.
// The variants share no generic code with the rest: see docs/decisions.
#if arch(x86_64)
    let kernelVariants: [(name: String, flags: [String])] = [
        ("KernelsBaseline", ["-Ounchecked"] + asAWhole),
        ("KernelsAVX2", ["-Ounchecked"] + asAWhole + ["-Xcc", "-march=x86-64-v3", "-DFUSED"]),
        ("KernelsAVX512", ["-Ounchecked"] + asAWhole + ["-Xcc", "-march=x86-64-v4", "-DFUSED", "-DWIDE"]),
    ]
#else
    let kernelVariants: [(name: String, flags: [String])] = [("KernelsBaseline", ["-Ounchecked"] + asAWhole)]
#endif
let kernels: [Target] = kernelVariants.map {
    .target(name: $0.name, dependencies: ["CHints"], swiftSettings: strict + [.unsafeFlags($0.flags)])
}
let kernelNames: [Target.Dependency] = kernelVariants.map { .byName(name: $0.name) }

let rooms: [Target] = [
    // 0 values
    room("Wire"),
    room("Identity", ["Wire", "CSodium"]),
    // 1 machines
    room("Session", ["Wire", "Identity"]),
    room("Membership", ["Wire", "Identity"]),
    room("Replication", ["Wire", "Identity", "Membership"]),
    room("Gossip", ["Wire", "Identity", "Session", "Replication"]),
    room("Consensus", ["Wire", "Identity", "Membership", "Replication"]),
    room("Ledger", ["Wire", "Identity", "Membership", "Replication"]),
    room("Learning", ["Wire", "CShims", "CHints"] + kernelNames, optimised: "-O"),
    room("Graph", ["Wire", "Identity"]),
    room("Search", ["Wire"], optimised: "-O"),
    room("Rules", ["Wire", "Identity", "Membership", "Graph", "Search"], optimised: "-O"),
    room("Federation", ["Wire", "Identity", "Learning", "CZstd"], optimised: "-O"),
    // 2 whole
    room(
        "Peer",
        [
            "Wire", "Identity", "Session", "Membership", "Replication", "Gossip", "Consensus", "Ledger", "Rules",
            "Learning", "Federation",
        ]),
    // 3 shells
    room("Site", ["Wire", "Identity", "Membership", "CShims"]),
    room(
        "Storage",
        [
            "Wire", "Identity", "Membership", "Replication", "Consensus", "Ledger", "Rules", "Learning", "Graph",
            "Federation", "Peer", "Site", "CPostgres", "CShims",
        ]),
    room("TreeImport", ["Wire", "Graph", "CMark"]),
    room("Transport", ["Wire", "Identity", "CUV", "COpenSSL", "CShims"]),
    room("API", ["Wire", "CMicroHTTPD", "CCurl", "CShims"]),
    room("Terminal", ["CShims"]),
    // 4 programs
    room(
        "Daemon",
        [
            "Wire", "Identity", "Session", "Membership", "Replication", "Gossip", "Consensus", "Ledger", "Learning",
            "Graph", "Search", "Rules", "Federation", "Peer", "Site", "Storage", "Transport", "API", "CShims",
            "Dashboard",
        ]
    ),
    room(
        "Harness",
        [
            "Wire", "Identity", "Learning", "Graph", "Federation", "Membership", "Site", "Transport", "API", "Terminal",
            "CShims", "DemoData",
        ]),
    room(
        "Benchmark",
        [
            "Wire", "Identity", "Replication", "Learning", "Graph", "Rules", "Federation", "Peer", "Site", "Storage",
            "CPlain",
        ],
        optimised: "-O"),
    .executableTarget(
        name: "shoal",
        dependencies: [
            "Wire", "Identity", "Session", "Membership", "Replication", "Consensus", "Ledger", "Graph", "Learning",
            "Federation", "Site", "Storage", "TreeImport", "API", "Terminal", "Daemon", "Harness", "Simulation",
            "Benchmark",
        ],
        swiftSettings: strict),
    // beside
    room(
        "Fuzz",
        ["Wire", "Identity", "Session", "Replication", "Federation", "Graph", "Learning", "Site", "API", "CCBOR"]),
    .executableTarget(name: "shoal-fuzz", dependencies: ["Wire", "Fuzz"], swiftSettings: strict),
    room(
        "Simulation",
        [
            "Wire", "Identity", "Session", "Membership", "Replication", "Gossip", "Consensus", "Ledger", "Learning",
            "Federation",
            "Peer",
        ]),
]

let allTests: [Target] = [
    tests("Wire", ["Wire"]),
    tests("Identity", ["Wire", "Identity"], vectors: true),
    tests("Session", ["Wire", "Identity", "Session"], vectors: true),
    tests("Membership", ["Wire", "Identity", "Membership"]),
    tests("Replication", ["Wire", "Identity", "Membership", "Replication"]),
    tests("Gossip", ["Wire", "Identity", "Session", "Replication", "Gossip"]),
    tests("Consensus", ["Wire", "Identity", "Membership", "Replication", "Consensus"]),
    tests("Ledger", ["Wire", "Identity", "Membership", "Replication", "Ledger"]),
    tests("Learning", ["Wire", "Learning"] + kernelNames),
    tests("Graph", ["Wire", "Identity", "Graph"]),
    tests("Search", ["Wire", "Search"]),
    tests("Rules", ["Wire", "Identity", "Graph", "Search", "Rules"]),
    tests("Federation", ["Wire", "Identity", "Learning", "Federation"]),
    tests(
        "Peer",
        [
            "Wire", "Identity", "Session", "Membership", "Replication", "Gossip", "Consensus", "Ledger", "Learning",
            "Rules", "Federation",
            "Peer", "Simulation",
        ]),
    tests("Site", ["Wire", "Identity", "Membership", "Site"]),
    tests(
        "Storage",
        [
            "Wire", "Identity", "Membership", "Replication", "Consensus", "Ledger", "Learning", "Graph", "Federation",
            "Peer", "Site", "Storage",
        ]),
    tests("TreeImport", ["Wire", "Graph", "TreeImport"]),
    tests("Transport", ["Wire", "Identity", "Transport"]),
    tests("API", ["Wire", "API"]),
    tests("Terminal", ["Terminal"]),
    tests(
        "Daemon",
        [
            "Wire", "Identity", "Learning", "Graph", "Search", "Federation", "Membership", "Replication", "Peer",
            "Site", "Storage", "Transport", "API", "Daemon",
        ]),
    tests(
        "Simulation",
        ["Wire", "Identity", "Session", "Replication", "Ledger", "Federation", "Simulation", "Peer"]),
    tests("Benchmark", ["Learning", "Federation", "Benchmark"]),
    .testTarget(name: "FuzzTests", dependencies: ["Wire", "Fuzz"], exclude: ["Corpus"], swiftSettings: strict),
    // Every command, against a node that the test plays.
    tests("Command", ["Wire", "Identity", "Membership", "Graph", "Site", "API", "Terminal", "Simulation", "shoal"]),
    // Real clusters: the built binary, real sockets, real PostgreSQL.
    tests("Cluster", ["Wire", "Identity", "Site", "Transport", "API", "Terminal", "Harness"]),
]

let package = Package(
    name: "shoal",
    products: [.executable(name: "shoal", targets: ["shoal"])],
    targets: systemLibraries + kernels + rooms + allTests,
    swiftLanguageModes: [.v6]
)
