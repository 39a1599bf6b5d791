/** The shells that are completed for. */
export const SHELLS = ['bash', 'zsh', 'fish', 'elvish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

/** Hands the words of the line to `completion --complete`, which says what may follow. Source: command-line.md 8.4 */
const SCRIPTS: Readonly<Record<Shell, (program: string, word: string) => string>> = {
  bash: (program, word) => `# ${program}: completion for bash. To load it: source <(${program} completion --shell bash)
_${word}_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(${program} completion --complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
  [[ \${COMP_WORDS[COMP_CWORD]} == '=' ]] && COMPREPLY=($(${program} completion --complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" '' 2> /dev/null))
  return 0
}
complete -o default -F _${word}_complete ${program}
`,
  zsh: (program, word) => `#compdef ${program}
# ${program}: completion for zsh. To load it: source <(${program} completion --shell zsh)
_${word}_complete() {
  local -a found
  found=("\${(@f)$(${program} completion --complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _${word}_complete ${program}
`,
  fish: (program, word) => `# ${program}: completion for fish. To load it: ${program} completion --shell fish | source
function __${word}_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct | string collect --allow-empty)
    ${program} completion --complete -- $before[2..-1] "$current" 2> /dev/null
end
complete -c ${program} -a '(__${word}_complete)'
`,
  elvish: (program) => `# ${program}: completion for elvish. To load it: eval (${program} completion --shell elvish | slurp)
set edit:completion:arg-completer[${program}] = {|@words|
  try { ${program} completion --complete -- (all $words[1..]) 2> /dev/null | from-lines } catch { }
}
`,
  powershell: (
    program,
  ) => `# ${program}: completion for PowerShell. To load it: ${program} completion --shell powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName '${program}' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  # An empty word is not handed to programs.
  $next = if ($wordToComplete -eq '') { '--next' } else { '--complete' }
  & '${program}' completion --complete $next -- @words 2> $null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
};

export const completionScript = (shell: Shell, program: string): string => SCRIPTS[shell](program, program.replaceAll(/\W/g, '_'));
