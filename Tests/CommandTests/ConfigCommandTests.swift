import Glibc
import Site
import Terminal
import Testing

@testable import shoal

@Suite(.serialized) struct ConfigCommandTests {
    private struct Setting: Decodable, Equatable {
        let key: String
        let value: String?
        let origin: String
    }

    private let place = TemporaryDirectory()
    private var site: [String] { ["--data-dir", place.file("data")] }

    private func settings(_ words: String...) async throws -> [String: Setting] {
        let outcome = await run(["config", "show", "--json"] + site + words)
        #expect(outcome.code == .done, "\(outcome.errors)")
        let all: [Setting] = try outcome.json()
        return Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
    }

    private func make(_ more: String = "") throws {
        let path = place.file("data/shoal.json")
        _ = try place.write("{\"name\": \"north\"\(more)}", to: "data/shoal.json", mode: 0o600)
        #expect(Paths.exists(path))
    }

    @Test func `each value tells where it is from, the option first and then the file`() async throws {
        try make(", \"http\": \"127.0.0.1:7480\", \"train_cores\": 2, \"train\": false")
        let kept = try await settings()
        #expect(kept["http"] == Setting(key: "http", value: "127.0.0.1:7480", origin: "shoal.json"))
        #expect(kept["train_cores"]?.value == "2" && kept["train"]?.value == "false")
        #expect(kept["schema"] == Setting(key: "schema", value: "shoal", origin: "default"))
        #expect(kept["listen"] == Setting(key: "listen", value: nil, origin: "default"))
        let given = try await settings("--http", "127.0.0.1:1", "--train-cores", "5")
        #expect(given["http"] == Setting(key: "http", value: "127.0.0.1:1", origin: "option"))
        #expect(given["train_cores"] == Setting(key: "train_cores", value: "5", origin: "option"))
    }

    @Test func `a variable goes before the file and behind the option`() async throws {
        try make(", \"schema\": \"kept\"")
        setenv("SHOAL_SCHEMA", "from_environment", 1)
        defer { unsetenv("SHOAL_SCHEMA") }
        #expect(
            try await settings()["schema"]
                == Setting(key: "schema", value: "from_environment", origin: "environment SHOAL_SCHEMA"))
        #expect(try await settings("--schema", "said")["schema"]?.origin == "option")
    }

    @Test(arguments: [("discover", "SHOAL_DISCOVER"), ("train", "SHOAL_TRAIN")])
    func `what is on unless it is turned off is turned off by option, variable and file`(
        key: String, name: String
    ) async throws {
        try make()
        #expect(try await settings()[key] == Setting(key: key, value: "true", origin: "default"))
        try make(", \"\(key)\": false")
        #expect(try await settings()[key] == Setting(key: key, value: "false", origin: "shoal.json"))
        defer { unsetenv(name) }
        setenv(name, "yes", 1)
        #expect(try await settings()[key] == Setting(key: key, value: "true", origin: "environment \(name)"))
        #expect(try await settings("--no-\(key)")[key] == Setting(key: key, value: "false", origin: "option"))
        setenv(name, "off", 1)
        let refused = await run(["config"] + site)
        #expect(refused.code == .usage && refused.errors.contains("\(name)=off"), "\(refused.errors)")
    }

    @Test func `a password is not shown`() async throws {
        try make(", \"database_url\": \"postgresql://clinic:geheim@db.example/clinic\"")
        let outcome = await run(["config"] + site)
        #expect(outcome.code == .done && !outcome.output.contains("geheim"), "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("clinic:***@db.example"))
        #expect(ConfigCommand.withoutPassword("host=db password=geheim user=a") == "host=db password=*** user=a")
        #expect(ConfigCommand.withoutPassword("postgresql://db/a") == "postgresql://db/a")
    }

    @Test func `an unknown key is refused with the nearest one`() async throws {
        try make(", \"train_core\": 2")
        let outcome = await run(["config", "show"] + site)
        #expect(outcome.code == .refused && outcome.errors.contains("did you mean \"train_cores\"?"))
    }
}
