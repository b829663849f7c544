/* Runs a fuzz target over the files of the folders given: its corpus, as a test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        xpm__str text = {0};
        if (entry->d_name[0] == '.' || xpm__file_read(dirfd(dir), entry->d_name, &text) < 0)
            continue;
        LLVMFuzzerTestOneInput((const uint8_t *)text.data, text.size);
        xpm__str_free(&text);
        count++;
    }
    if (dir != NULL)
        closedir(dir);
    printf("%s: %d inputs\n", folder, count);
    return count > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int status = argc > 1 ? 0 : 1;
    for (int i = 1; i < argc; i++)
        status |= replay(argv[i]);
    return status;
}
