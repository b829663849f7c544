/* completion: the scripts by which shells complete the command. They know nothing of the table: at each
 * press of the key they ask the command (complete.c), so that they never tell of another version. */
#include <string.h>

#include "cli/cli.h"

static const char *const bash =
    "# bash completion of experimaestro, as `experimaestro completion bash` prints it.\n"
    "_experimaestro() {\n"
    "    local line last=${COMP_WORDS[COMP_CWORD]}\n"
    "    [ \"$last\" != = ] || last=\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$last\") ;;\n"
    "        :file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$last\") ;;\n"
    "        *) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]/#\\~\\//$HOME/}\" complete -- "
    "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _experimaestro experimaestro\n";

static const char *const zsh =
    "#compdef experimaestro\n"
    "# zsh completion of experimaestro, as `experimaestro completion zsh` prints it.\n"
    "_experimaestro() {\n"
    "    local line lines=\"$(${(Q)words[1]/#\\~\\//$HOME/} complete -- "
    "\"${(@)words[2,CURRENT-1]}\" "
    "\"$PREFIX\" 2>/dev/null)\"\n"
    "    local -a candidates\n"
    "    for line in \"${(@f)lines}\"; do\n"
    "        case $line in\n"
    "        (:folder|:file)\n"
    "            [[ $PREFIX != --*=* ]] || compset -P '*='\n"
    "            if [[ $line = :folder ]]; then _files -/; else _files; fi\n"
    "            return ;;\n"
    "        (?*) candidates+=(\"${${line//:/\\\\:}/$'\\t'/:}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    _describe -V word candidates\n"
    "}\n"
    "if [[ $funcstack[1] = _experimaestro ]]; then\n"
    "    _experimaestro \"$@\"\n"
    "else\n"
    "    compdef _experimaestro experimaestro\n"
    "fi\n";

static const char *const fish =
    "# fish completion of experimaestro, as `experimaestro completion fish` prints it.\n"
    "function __experimaestro_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l last (commandline -ct)\n"
    "    set -l program $words[1]\n"
    "    set -e words[1]\n"
    "    for line in ($program complete -- $words \"$last\" 2>/dev/null)\n"
    "        set -l option (string match -r -- '^--[^=]*=' \"$last\")\n"
    "        set -l path (string replace -r -- '^--[^=]*=' '' \"$last\")\n"
    "        switch $line\n"
    "            case :folder\n"
    "                string replace -r -- '^' \"$option\" (__fish_complete_directories \"$path\" "
    "'')\n"
    "            case :file\n"
    "                string replace -r -- '^' \"$option\" (__fish_complete_path \"$path\")\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c experimaestro -f -a '(__experimaestro_complete)'\n";

int cmd_completion(const cli_call *call)
{
    const char *shell = call->arguments[0];
    fputs(strcmp(shell, "bash") == 0 ? bash : strcmp(shell, "zsh") == 0 ? zsh : fish, stdout);
    return CLI_OK;
}
