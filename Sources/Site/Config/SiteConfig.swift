public import Wire

/// The settings of a site, `shoal.json` in its data directory. What the command line says goes first.
///
/// ```json
/// {
///   "name": "hospital-a",
///   "key": "/home/me/keys/hospital-a.key",
///   "network": "/home/me/keys/clinics.network",
///   "peers": ["/home/me/peers"],
///   "listen": "0.0.0.0:7400",
///   "http": "127.0.0.1:7480",
///   "advertise": ["a.example.org:7400"],
///   "database_url": "postgresql://…",
///   "privacy": ["clip=1", "min-edges=2"],
///   "schema": "shoal",
///   "train": true,
///   "train_hours": "22-6",
///   "train_cores": 2
/// }
/// ```
public struct SiteConfig: Sendable, Equatable {
    static let maxFileBytes = 1 << 16

    public var name: SiteName
    /// Path of the site's key file.
    public var key: String?
    /// Path of the network file.
    public var network: String?
    /// `.peers` files, or directories of such.
    public var peers: [String] = []
    /// Where to accept peers.
    public var listen: Endpoint?
    /// Where to serve HTTP besides the Unix socket.
    public var http: Endpoint?
    /// Where others reach this site, if not where it listens.
    public var advertise: [Endpoint] = []
    /// An existing PostgreSQL in place of the private one. May hold a password.
    public var databaseURL: String?
    /// What is done to changes of weights before they are sent, `KEY=VALUE` each; see docs/privacy.md.
    public var privacy: [String] = []
    /// The schema of its tables in ``databaseURL``.
    public var schema: String?
    /// Whether the node trains by itself.
    public var train: Bool?
    /// `22-6`, `22:30-06:15`: when it trains by itself, local time.
    public var trainHours: String?
    /// 1 to 256.
    public var trainCores: Int?
    /// Rounds after which the node claims what it trained, 0 to 64; 0: never by itself.
    public var claimRounds: Int?
    /// Decimal Koi that the node may pay in a day for answers of others' models; 0: none by itself.
    public var inferenceBudget: String?
    /// Days after which certified sums stand for bodies of others' deltas, 0 to 36,500; nil: every body is kept.
    public var retention: Int?
    /// Own deltas whose sums are certified together, 2 to 4,096.
    public var sumsEvery: Int?
    /// Whether this site hears from others where members can be dialled, and tells it; nil: yes.
    public var discover: Bool?

    public init(name: SiteName) {
        self.name = name
    }

    /// A path from the settings; a relative one starts at the directory of `shoal.json`.
    public static func resolve(_ path: String, in directory: String) -> String {
        path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }

    /// - Throws: `missing`; `malformed` with the line for wrong JSON, an unknown key (the error names the nearest
    ///   known one) or a wrong value; `exposed` when others can read a file with a database URL.
    public static func load(_ path: String) throws(SiteError) -> SiteConfig {
        let config = try SiteConfig(parsing: try Files.read(path, limit: maxFileBytes), path: path)
        if config.databaseURL != nil { _ = try Files.readSecret(path, limit: maxFileBytes) }
        return config
    }

    /// Writes the settings, 0600.
    public func save(to path: String) throws(SiteError) {
        try Files.write(Bytes(json.utf8), to: path, mode: 0o600)
    }

    /// What ``init(parsing:path:)`` reads; settings that are not set are left out.
    public var json: String {
        func list(_ values: [String]) -> String? {
            values.isEmpty ? nil : "[" + values.map { StrictJSON.quote($0) }.joined(separator: ", ") + "]"
        }
        let members: [(Key, String?)] = [
            (.name, StrictJSON.quote(name.text)),
            (.key, key.map { StrictJSON.quote($0) }),
            (.network, network.map { StrictJSON.quote($0) }),
            (.peers, list(peers)),
            (.listen, listen.map { StrictJSON.quote($0.description) }),
            (.http, http.map { StrictJSON.quote($0.description) }),
            (.advertise, list(advertise.map(\.description))),
            (.databaseURL, databaseURL.map { StrictJSON.quote($0) }),
            (.privacy, list(privacy)),
            (.schema, schema.map { StrictJSON.quote($0) }),
            (.train, train.map { "\($0)" }),
            (.trainHours, trainHours.map { StrictJSON.quote($0) }),
            (.trainCores, trainCores.map { "\($0)" }),
            (.claimRounds, claimRounds.map { "\($0)" }),
            (.inferenceBudget, inferenceBudget.map { StrictJSON.quote($0) }),
            (.retention, retention.map { "\($0)" }),
            (.sumsEvery, sumsEvery.map { "\($0)" }),
            (.discover, discover.map { "\($0)" }),
        ]
        let lines = members.compactMap { key, value in value.map { "  \"\(key.rawValue)\": \($0)" } }
        return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
    }

    enum Key: String, CaseIterable {
        case name, key, network, peers, listen, http, advertise, privacy, schema, train
        case databaseURL = "database_url"
        case trainHours = "train_hours"
        case trainCores = "train_cores"
        case claimRounds = "claim_rounds"
        case inferenceBudget = "inference_budget"
        case retention, discover
        case sumsEvery = "sums_every"
    }
}

extension SiteConfig {
    public init(parsing bytes: Bytes, path: String) throws(SiteError) {
        let root: StrictJSON
        do {
            root = try StrictJSON(parsing: bytes)
        } catch {
            throw Self.malformed(path, error.line, error.cause)
        }
        guard case .object(let members) = root else { throw Self.malformed(path, 1, "it is not a JSON object") }
        guard case .string(let text) = members.first(where: { $0.key == Key.name.rawValue })?.value,
            let name = SiteName(text)
        else { throw Self.malformed(path, 1, "it needs a \"name\" of letters, digits and . _ -") }
        self.init(name: name)
        for (key, line, value) in members {
            guard let known = Key(rawValue: key) else { throw Self.unknown(key, path, line) }
            do {
                try set(known, value)
            } catch {
                throw Self.malformed(path, line, "\"\(key)\" must be \(error.wanted)")
            }
        }
    }

    private struct WrongValue: Error { let wanted: String }

    private mutating func set(_ key: Key, _ value: StrictJSON) throws(WrongValue) {
        switch key {
        case .name: break
        case .key: self.key = try Self.text(value)
        case .network: network = try Self.text(value)
        case .peers: peers = try Self.list(value) { text throws(WrongValue) in try Self.text(text) }
        case .listen: listen = try Self.endpoint(value)
        case .http: http = try Self.endpoint(value)
        case .advertise: advertise = try Self.list(value) { text throws(WrongValue) in try Self.endpoint(text) }
        case .databaseURL: databaseURL = try Self.text(value)
        case .schema: schema = try Self.text(value)
        case .train: train = try Self.bool(value)
        case .discover: discover = try Self.bool(value)
        case .trainHours: trainHours = try Self.text(value)
        case .trainCores: trainCores = try Self.whole(value, 1...256)
        case .claimRounds: claimRounds = try Self.whole(value, 0...64)
        case .inferenceBudget: inferenceBudget = try Self.text(value)
        case .retention: retention = try Self.whole(value, 0...36_500)
        case .sumsEvery: sumsEvery = try Self.whole(value, 2...4_096)
        case .privacy: privacy = try Self.list(value) { text throws(WrongValue) in try Self.text(text) }
        }
    }

    private static func bool(_ value: StrictJSON) throws(WrongValue) -> Bool {
        guard case .bool(let isOn) = value else { throw WrongValue(wanted: "true or false") }
        return isOn
    }

    private static func whole(_ value: StrictJSON, _ range: ClosedRange<Int>) throws(WrongValue) -> Int {
        guard case .number(let number) = value, let whole = Int(exactly: number), range.contains(whole) else {
            throw WrongValue(wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return whole
    }

    private static func text(_ value: StrictJSON) throws(WrongValue) -> String {
        guard case .string(let text) = value, !text.isEmpty, !text.utf8.contains(0) else {
            throw WrongValue(wanted: "a string that is not empty")
        }
        return text
    }

    private static func endpoint(_ value: StrictJSON) throws(WrongValue) -> Endpoint {
        guard case .string(let text) = value, let endpoint = Endpoint(parsing: text) else {
            throw WrongValue(wanted: "\"HOST:PORT\"")
        }
        return endpoint
    }

    private static func list<Element>(
        _ value: StrictJSON, _ element: (StrictJSON) throws(WrongValue) -> Element
    ) throws(WrongValue) -> [Element] {
        guard case .array(let values) = value else { throw WrongValue(wanted: "a list") }
        var elements: [Element] = []
        for value in values {
            do {
                elements.append(try element(value))
            } catch {
                throw WrongValue(wanted: "a list, each of it \(error.wanted)")
            }
        }
        return elements
    }

    private static func malformed(_ path: String, _ line: Int, _ cause: String) -> SiteError {
        SiteError(
            .malformed(line: line), operation: "read the settings in", object: "\(path), line \(line)", cause: cause,
            remedy: "known keys: \(Key.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    private static func unknown(_ key: String, _ path: String, _ line: Int) -> SiteError {
        let ranked = Key.allCases.map { (name: $0.rawValue, distance: editDistance(key, $0.rawValue)) }
        let nearest = ranked.min { $0.distance < $1.distance }!
        let guess = nearest.distance <= max(2, nearest.name.utf8.count / 2) ? "; did you mean \"\(nearest.name)\"?" : ""
        return malformed(path, line, "there is no setting \"\(key)\"" + guess)
    }

    /// Levenshtein's distance in bytes.
    static func editDistance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8.prefix(64)), Array(b.utf8.prefix(64)))
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let replaced = diagonal + (x == y ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
