/** Where a recording's bytes come from, as a cache asks for it. */
export interface CacheableRecording {
  /**
   * Names all that the recording's events hang on: the content of its file, and how that is decoded. Absent where
   * they cost no more to make than to read.
   * @param hashFile SHA-256 of a file's content
   */
  contentKey?(hashFile: (path: string) => Promise<string>): Promise<string>;
}
