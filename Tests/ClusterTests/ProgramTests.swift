import Foundation
import Testing

extension ClusterTests {
    /// What the built program is made of.
    @Suite struct ProgramTests {
        /// The whole of Foundation brings 40 MB of tables for the world's languages, which every command would map and
        /// relocate before its first line: half of the time of `shoal --help`. FoundationEssentials has what shoal uses.
        @Test func `no command loads what it does not use`() async throws {
            // The loader lists what it would load, and runs nothing.
            let listed = try await Binary.run(program: "/usr/bin/env", ["LD_TRACE_LOADED_OBJECTS=1", Binary.path])
            #expect(listed.code == 0 && listed.output.contains("libc.so"), "\(listed.output)\(listed.errors)")
            for library in ["libFoundation.so", "FoundationInternationalization", "FoundationICU", "FoundationXML"] {
                #expect(!listed.output.contains(library), "\(library): some file imports all of Foundation")
            }
        }
    }
}
